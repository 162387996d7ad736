"""Find, download and check files of pretrained weights.

Downloads are done here rather than by `keras.utils.get_file`, which has no timeout, writes
straight to its target (a second process then reads half a file) and prints to stdout.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import tempfile
import threading
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from models.errors import ModelError
from models.pretrained.hdf5 import HDF5_ERRORS, MAX_EXPANSION, why_not_plain

if TYPE_CHECKING:
    import h5py

PROBE_SECONDS = 5.0
STALL_SECONDS = 30.0
SUFFIXES = (".h5", ".keras")  # ".weights.h5" ends in ".h5"
WEIGHTS_MEMBER = "model.weights.h5"  # of a .keras file
CHUNK_BYTES = 1 << 20
NETWORK_ERRORS = (OSError, http.client.HTTPException)  # a malformed answer is no OSError


def keras_cache_folder() -> Path:
    """Return the folder in which Keras itself looks for pretrained weights."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"


def cached(file_names: Iterable[str]) -> Path | None:
    """Return the path of the first of `file_names` in the Keras cache; None if there is none."""
    return first_in(keras_cache_folder(), file_names)


def first_in(folder: Path, file_names: Iterable[str]) -> Path | None:
    """Return the path of the first of `file_names` in `folder`; None if there is none."""
    paths = (folder / name for name in file_names)
    return next((path for path in paths if path.is_file()), None)


def content_digest(path: Path) -> str:
    """Return 16 hexadecimal digits that identify the content of a file (of its SHA-256)."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def reachable(urls: Iterable[str], *, seconds: float = PROBE_SECONDS) -> set[str]:
    """Return those of `urls` that answer within `seconds`; all are asked at the same time.

    Threads that outlast the time are left behind: a name server that does not answer cannot be
    interrupted, and must not keep the caller waiting.
    """
    answered: set[str] = set()

    def ask(url: str) -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            with urllib.request.urlopen(request, timeout=seconds):
                answered.add(url)
        except NETWORK_ERRORS:
            return

    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.daemon = True
    timer.start()
    while any(thread.is_alive() for thread in threads) and not stop.wait(0.01):
        continue
    timer.cancel()
    return set(answered)


def download(file_name: str, url: str, *, digest: str = "") -> Path:
    """Fetch `url` into the Keras cache, whole or not at all.

    Args:
        file_name: Name in the cache.
        url: Where it comes from.
        digest: MD5 or SHA-256 of the content in hexadecimal; empty where none is published.

    Raises:
        ModelError: The network does not answer, stalls for 30 seconds, or sends another content.
    """
    target = keras_cache_folder() / file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, since a file can be renamed in one step only within a file system.
    descriptor, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{file_name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            received = _copy(url, out, digest)
        if digest and received != digest:
            raise OSError(f"its checksum is {received}, not {digest}")
        Path(partial).replace(target)
    except NETWORK_ERRORS as error:
        raise ModelError(
            f"{url}: cannot be downloaded ({error}); put the file as {target}"
        ) from error
    finally:
        Path(partial).unlink(missing_ok=True)
    return target


def _copy(url: str, out: IO[bytes], digest: str) -> str:
    # Keras publishes MD5 for some networks and SHA-256 for others.
    checksum = hashlib.sha256() if len(digest) == 64 else hashlib.md5()
    received = 0
    with urllib.request.urlopen(url, timeout=STALL_SECONDS) as response:
        expected = response.headers.get("Content-Length")
        while chunk := response.read(CHUNK_BYTES):
            checksum.update(chunk)
            out.write(chunk)
            received += len(chunk)
    if expected is not None and received != int(expected):
        raise OSError(f"{received} of {expected} bytes came")
    return checksum.hexdigest()


def count_values(path: Path) -> int:
    """Count the numbers in a file of weights, without those of optimizer and random states.

    Raises:
        ModelError: `path` is not a regular .h5, .weights.h5 or .keras file, or holds anything
            but numbers of its own.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file; --weights takes a .h5 or .keras file")
    if path.suffix not in SUFFIXES:
        raise ModelError(
            f"{path}: is a {path.suffix or 'nameless'} file; --weights takes a .h5, .weights.h5 "
            "or .keras file"
        )
    import h5py

    try:
        with h5py.File(_hdf5(path), "r") as file:
            reason = why_not_plain(file, path.stat().st_size)
            if not reason:
                return _count(file)
    except (*HDF5_ERRORS, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
    raise ModelError(
        f"{path}: holds no Keras weights ({reason}); --weights takes a file written by "
        "`model.save_weights` or `model.save`"
    )


def _hdf5(path: Path) -> Path | io.BytesIO:
    if path.suffix != ".keras":
        return path
    with zipfile.ZipFile(path) as archive:
        size, limit = archive.getinfo(WEIGHTS_MEMBER).file_size, path.stat().st_size
        if size > MAX_EXPANSION * limit:
            raise ValueError(f"weights of {size:,} bytes in a file of {limit:,}")
        return io.BytesIO(archive.read(WEIGHTS_MEMBER))


def _count(file: h5py.File) -> int:
    import h5py

    sizes: list[int] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and not ("optimizer" in name or "seed_gen" in name):
            sizes.append(int(item.size))

    file.visititems(visit)
    return sum(sizes)
