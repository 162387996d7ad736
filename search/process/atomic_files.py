"""Write JSON and arrays as files that appear whole or not at all, and read them."""

import io
import json
import warnings
from pathlib import Path
from typing import Any

from data_pipeline.atomic_files import write_bytes
from search.errors import TuneError


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all; numbers that JSON lacks (NaN, infinity) are refused."""
    write_bytes(path, json.dumps(value, indent=1, allow_nan=False).encode())


def write_array(path: Path, array: Any) -> None:
    """Write one numpy array as .npy, whole or not at all."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write numpy arrays as one .npz, whole or not at all."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        TuneError: the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise TuneError(f"{path}: no such file") from error
    except ValueError as error:
        raise TuneError(f"{path}: not readable as JSON ({error})") from error


def move_broken_file(path: Path, why: str) -> None:
    """Rename a broken file out of the way, and say so: it is lost, the rest goes on."""
    aside = path.with_name(path.name + ".broken")
    path.replace(aside)
    warnings.warn(f"{path}: {why}; kept as {aside.name}, the search goes on without", stacklevel=2)
