"""Check that an HDF5 file of weights holds plain numbers of its own, before it is read.

HDF5 can point anywhere: a link or a dataset may lead to another file of the reader's, a few
bytes may declare terabytes, and a filter may name a library to be loaded. Keras's own files
of weights do none of this.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import h5py

# Errors that h5py was seen to raise on broken files.
HDF5_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

# Keras writes weights uncompressed, and compression saves about a tenth. What declares more than
# ten times the size of its file (with a little extra for files of zeros) holds no weights.
MAX_EXPANSION = 10
_FREE_BYTES = 2**20
_MAX_OBJECTS = 100_000
_NUMBERS = "biufV"  # NumPy's kinds: bool, int, unsigned, float, and raw bytes such as bfloat16
_FILTERS = {1, 2, 3}  # gzip, shuffle, fletcher32: inside the HDF5 library


def why_not_plain(file: h5py.File, file_bytes: int) -> str:
    """Look at every object of `file`, opening none that lies elsewhere, and read no data.

    Args:
        file: An open file, of which nothing has been read.
        file_bytes: Its size on disk, the only one that it cannot make up.

    Returns:
        "" for plain numbers in groups; else what there is that must not be.
    """
    declared, objects, seen = 0, 0, set()
    try:
        for name, item in _items(file):
            objects += 1
            address = _address(item)
            # HDF5 allows a group inside itself, and this loop would then never end.
            if objects > _MAX_OBJECTS or address in seen:
                return "an object with two names" if address in seen else "too many objects"
            seen.add(address)
            if problem := _problem(item):
                return f"{problem} ({ascii(name)[1:-1][:80]})"
            declared += _declared_bytes(item)
            if declared > MAX_EXPANSION * file_bytes + _FREE_BYTES:
                return f"arrays of {declared:,} bytes or more in a file of {file_bytes:,}"
    except _LinkError as error:
        return str(error)
    except HDF5_ERRORS as error:
        return f"a part that cannot be read: {' '.join(str(error).split())[:120]}"
    return ""


class _LinkError(Exception):
    """A name that leads out of the tree."""


def _items(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """List groups and datasets by name, the root first; links are examined, not followed."""
    import h5py

    waiting: list[tuple[str, Any]] = [("/", file["/"])]
    while waiting:
        path, item = waiting.pop()
        yield path, item
        if not isinstance(item, h5py.Group):
            continue
        for name in item:
            link = item.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                kind = "an external link" if isinstance(link, h5py.ExternalLink) else "a soft link"
                raise _LinkError(f"{kind} ({ascii(path + name)[1:-1][:80]})")
            waiting.append((f"{path}{name}/", item[name]))


def _address(item: Any) -> int:
    import h5py

    return int(h5py.h5o.get_info(item.id).addr)


def _problem(item: Any) -> str:
    """Say what is wrong with one object and its attributes; "" if nothing is."""
    import h5py

    if any(h5py.check_ref_dtype(attribute.dtype) for attribute in _attributes(item)):
        return "a reference in an attribute"
    if isinstance(item, h5py.Group):
        return ""
    return _data_problem(item) if isinstance(item, h5py.Dataset) else "a named type"


def _data_problem(dataset: h5py.Dataset) -> str:
    if dataset.external:
        return "data in another file"
    if dataset.is_virtual:
        return "a virtual dataset"
    # Kind V without fields is how numbers that HDF5 lacks (bfloat16) are stored.
    kind = dataset.dtype.str[1]
    if dataset.dtype.hasobject or kind not in _NUMBERS:
        return f"data of type {dataset.dtype}, which is not numbers"
    made = dataset.id.get_create_plist()
    filters = {made.get_filter(number)[0] for number in range(made.get_nfilters())}
    return f"unknown filters {sorted(filters - _FILTERS)}" if filters - _FILTERS else ""


def _declared_bytes(item: Any) -> int:
    """Compute the bytes that reading an object and its attributes would allocate."""
    import h5py

    size = sum(
        math.prod(attribute.shape or ()) * attribute.dtype.itemsize
        for attribute in _attributes(item)
    )
    if isinstance(item, h5py.Dataset):
        # HDF5 allocates a whole chunk even where the dataset is smaller.
        values = max(math.prod(item.shape or ()), math.prod(item.chunks or ()))
        size += values * item.dtype.itemsize
    return size


def _attributes(item: Any) -> Iterator[Any]:
    import h5py

    for number in range(h5py.h5a.get_num_attrs(item.id)):
        yield h5py.h5a.open(item.id, index=number)
