"""Check that a .keras file is one that we wrote, then load it."""

import io
import json
import stat
import warnings
import zipfile
from pathlib import Path
from typing import Any

from models.pretrained.hdf5 import HDF5_ERRORS, why_not_plain
from models.pretrained.weights import WEIGHTS_MEMBER
from search.errors import TuneError
from search.inference.model_config import why_not_known, why_too_large
from search.process.printable import printable

MAX_BYTES = 4 * 2**30 - 1  # the largest network that Keras publishes has 1.4 GB of weights
MAX_CONFIG_BYTES = 4 * 2**20  # the largest backbone's has 260 kB
_MEMBERS = {"metadata.json": 2**16, "config.json": MAX_CONFIG_BYTES, WEIGHTS_MEMBER: MAX_BYTES}
_END_BYTES = 42  # a zip's end record and, before it, the place of a zip64 locator
_MAX_DIRECTORY_BYTES = 4096

_BROKEN = (*HDF5_ERRORS, RecursionError, EOFError, zipfile.BadZipFile)


class _NotOursError(Exception):
    """The reason why a file is not one that we wrote."""


def load_model_file(path: Path) -> Any:
    """Load an exported model: images [batch, any height, any width, 3] → [batch, classes].

    Raises:
        TuneError: not a regular .keras file, or one with anything in it that
            `tune export-best` does not write.
    """
    try:
        _require_regular(path)
        config, weights = _read(path)
        _require_ours(config, weights)
        return _load(path, config, len(weights))
    except _NotOursError as error:
        raise TuneError(
            f"{printable(path)}: {error}; expected a model.keras file that "
            "'tune export-best' wrote; export the model again"
        ) from error


def _require_regular(path: Path) -> None:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _NotOursError(getattr(error, "strerror", None) or "no such file") from error
    if path.suffix != ".keras":
        raise _NotOursError(f"is a {path.suffix or 'nameless'} file")
    # Checked before it is opened: opening a FIFO waits for a writer, perhaps for ever.
    if not stat.S_ISREG(status.st_mode):
        raise _NotOursError("is not a regular file")
    if status.st_size > MAX_BYTES:
        raise _NotOursError(f"is {status.st_size:,} bytes large")


def _read(path: Path) -> tuple[Any, bytes]:
    """Read the parsed configuration and the bytes of the weights from a zip as Keras writes it."""
    try:
        with path.open("rb") as file:
            _require_small_directory(file)
            with zipfile.ZipFile(file) as archive:
                _require_plain_members(archive)
                return json.loads(archive.read("config.json")), archive.read(WEIGHTS_MEMBER)
    except _BROKEN as error:
        raise _NotOursError(f"cannot be read ({_one_line(error)})") from error


def _require_small_directory(file: io.BufferedReader) -> None:
    """Look at the last bytes: Python would build an object for each of a million members first."""
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - _END_BYTES))
    end = file.read().rjust(_END_BYTES, b"\0")
    locator, record = end[:20], end[20:]
    if record[:4] != b"PK\5\6" or record[-2:] != b"\0\0":
        raise _NotOursError("is cut short, or no .keras file")
    directory = int.from_bytes(record[12:16], "little")
    if locator[:4] == b"PK\6\7" or directory > _MAX_DIRECTORY_BYTES:
        raise _NotOursError("holds too many files")


def _require_plain_members(archive: zipfile.ZipFile) -> None:
    """Require exactly the three files of Keras, each as large as it says."""
    members = archive.infolist()
    names = [member.orig_filename for member in members]
    if sorted(names) != sorted(_MEMBERS):
        strange = [ascii(name)[1:-1][:60] for name in names if name not in _MEMBERS]
        raise _NotOursError(
            f"holds {', '.join(strange[:3])}" if strange else "lacks a part, or has one twice"
        )
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _NotOursError(f"its {member.filename} is a link or a folder")
        # Keras stores without compression, so nothing can grow when it is read.
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise _NotOursError(f"its {member.filename} is compressed, which Keras never does")
        if member.file_size > _MEMBERS[member.filename]:
            raise _NotOursError(f"its {member.filename} has {member.file_size:,} bytes")


def _require_ours(config: Any, weights: bytes) -> None:
    import h5py

    if reason := why_not_known(config):
        raise _NotOursError(reason)
    try:
        with h5py.File(io.BytesIO(weights), "r") as file:
            reason = why_not_plain(file, len(weights))
    except HDF5_ERRORS as error:
        reason = f"nothing that can be read: {_one_line(error)}"
    if reason:
        raise _NotOursError(f"its weights hold {reason}")


def _load(path: Path, config: Any, weights_bytes: int) -> Any:
    import keras
    import numpy as np

    from models.xla import without_xla

    try:
        # Does the same steps as loading but allocates nothing, so that a bad file fails here first.
        reason = why_too_large(config, weights_bytes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Keras goes on with random weights where the file has none for a layer.
            warnings.filterwarnings("error", message="Skipping")
            model: Any = (
                None if reason else keras.models.load_model(path, compile=False, safe_mode=True)
            )
    except Exception as error:
        # Keras raises anything at all, and TensorFlow's errors besides.
        raise _NotOursError(f"is no model that can be loaded ({_one_line(error)})") from error
    if reason:
        raise _NotOursError(reason)
    inputs, outputs = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if inputs != (None, None, None, 3) or not isinstance(outputs, tuple) or len(outputs) != 2:
        raise _NotOursError(f"takes {inputs} and gives {outputs}")
    try:
        # Some values of a layer are looked at only when it is called.
        model(np.zeros((1, 8, 8, 3), np.float32))
    except Exception as error:
        raise _NotOursError(f"is no model that can be called ({_one_line(error)})") from error
    return without_xla(model)


def _one_line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
