"""Write JSON and arrays as files that appear whole or not at all, and read them."""

from __future__ import annotations

import io
import json
import math
import os
import stat
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.atomic_files import write_bytes
from search.errors import TuneError
from search.process.printable import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_ARRAY = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy has been seen to raise on files that are no arrays."""


def write_json(path: Path, value: Any, *, shared: bool = False) -> None:
    """Write JSON whole or not at all; numbers that JSON lacks (NaN, infinity) are refused.

    Args:
        path: of the file.
        value: plain values.
        shared: as `data_pipeline.atomic_files.UnfinishedFile` takes it.
    """
    write_bytes(path, json.dumps(value, indent=1, allow_nan=False).encode(), shared=shared)


def write_array(path: Path, array: Any) -> None:
    """Write one numpy array as .npy, whole or not at all."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write numpy arrays by their names as one .npz, whole or not at all."""
    write_bytes(path, _npz(arrays))


def write_shared_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays that are for others too: see `data_pipeline.atomic_files.UnfinishedFile`."""
    write_bytes(path, _npz(arrays), shared=True)


def _npz(arrays: dict[str, Any]) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        TuneError: the file is missing, not JSON, or holds a number that is not finite.
    """
    try:
        return json.loads(_read(path), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise TuneError(f"{printable(path)}: not readable as JSON ({error})") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def read_object(path: Path) -> dict[str, Any]:
    """Read JSON that holds an object.

    Raises:
        TuneError: the file is missing, not JSON, or holds something else.
    """
    values = read_json(path)
    if not isinstance(values, dict):
        raise TuneError(f"{printable(path)}: holds no JSON object, as tune writes it")
    return values


def read_array(path: Path, kind: str, *, dimensions: int, remedy: str) -> NDArray[Any]:
    """Read one array of a .npy file.

    Args:
        path: the file.
        kind: of its numbers, as `numpy.dtype.kind` has it: "f", "i".
        dimensions: that it has.
        remedy: what to do where it is damaged, for the message.

    Raises:
        TuneError: the file is missing, or holds no such array.
    """
    import numpy as np

    content = _read(path)
    try:
        return _checked(np.load(io.BytesIO(content), allow_pickle=False), kind, dimensions)
    except NO_ARRAY as error:
        raise TuneError(
            f"{printable(path)}: damaged, no array as tune writes it; {remedy}"
        ) from error


def read_arrays(
    path: Path, names: tuple[str, ...], kind: str, *, dimensions: int = 1, remedy: str
) -> tuple[NDArray[Any], ...]:
    """Read arrays of a .npz file.

    Args:
        path: the file.
        names: of the arrays.
        kind: of their numbers, as `numpy.dtype.kind` has it.
        dimensions: that each must have.
        remedy: what to do where it is damaged, for the message.

    Raises:
        TuneError: the file is missing, or lacks one of these arrays.
    """
    import numpy as np

    content = _read(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            # A few bytes may unpack to more than the memory holds.
            if any(member.compress_type for member in arrays.zip.infolist()):
                raise ValueError("compressed")
            return tuple(_checked(arrays[name], kind, dimensions) for name in names)
    except NO_ARRAY as error:
        raise TuneError(
            f"{printable(path)}: damaged, lacks arrays as tune writes them; {remedy}"
        ) from error


def _checked(array: Any, kind: str, dimensions: int) -> NDArray[Any]:
    if array.dtype.kind != kind or array.ndim != dimensions:
        raise ValueError(f"{array.ndim} dimensions of {array.dtype}")
    return array


def _read(path: Path) -> bytes:
    """Read a regular file as a whole: a named pipe would be waited for without end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise TuneError(f"{printable(path)}: no such file") from error
    except OSError as error:
        raise TuneError(f"{printable(path)}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise TuneError(f"{printable(path)}: not a regular file")
        with os.fdopen(os.dup(handle), "rb") as file:
            return file.read()
    except OSError as error:
        raise TuneError(f"{printable(path)}: {error.strerror}") from error
    finally:
        os.close(handle)


def move_broken_file(path: Path, why: str) -> None:
    """Rename a broken file out of the way, and say so: it is lost, the rest goes on."""
    aside = path.with_name(path.name + ".broken")
    path.replace(aside)
    warnings.warn(f"{path}: {why}; kept as {aside.name}, the search goes on without", stacklevel=2)
