"""List the formats in which a model can be exported: one file and one row here for each."""

from search.errors import TuneError
from search.formats.format import Format
from search.formats.keras_file import KERAS
from search.formats.litert import INT8, LITERT
from search.formats.onnx import ONNX
from search.formats.saved_model import SAVED_MODEL

FORMATS = {row.name: row for row in (KERAS, SAVED_MODEL, LITERT, INT8, ONNX)}
ALWAYS = KERAS  # written whatever is asked for: `tune predict` and `tune serve` load it


def by_option(option: str) -> list[Format]:
    """List the formats that the command line asks for in this way."""
    return [row for row in FORMATS.values() if row.option == option]


def flagged() -> list[Format]:
    """List the formats that have a flag of their own."""
    return [row for row in FORMATS.values() if row.option not in ("", "--format")]


def require_packages(names: tuple[str, ...]) -> None:
    """Look for the packages that formats need, before minutes are spent on training.

    Args:
        names: keys of `FORMATS`.

    Raises:
        TuneError: a package is missing.
    """
    from importlib.util import find_spec

    for row in (FORMATS[name] for name in names):
        missing = [package for package in row.packages if not find_spec(package)]
        if missing:
            raise TuneError(
                f"{row.asked_for} needs {' and '.join(missing)}; "
                f"install with: pip install 'image-tune[{row.extra}]'"
            )
