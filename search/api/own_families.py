"""Turn the families that a Python program gives, names or its own classes, into words of a file."""

import ast
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.families.own.references import is_reference, reference
from search.errors import TuneError
from search.tuning.planning import option_names

_DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


def family_words(given: Any, folder: Path | None = None) -> tuple[str, ...]:
    """Give each family by its name, or as `FILE:NAME`.

    Args:
        given: names with commas between, or a sequence of names, files (`mine.py:Wide`), classes
            and functions. Of those that a script or a notebook defines, its imports, classes,
            functions and constants are written to a file: its other lines would search again.
        folder: for such files; None where no script or notebook is asked about.

    Raises:
        TuneError: one is none of these.
        ModelError: a file does not define it.
    """
    several = given.split(",") if isinstance(given, str) else given
    if not isinstance(several, Iterable) or isinstance(several, Path):
        several = [several]
    words = tuple(dict.fromkeys(_word(each, folder) for each in several))
    if not words:
        known = ", ".join(option_names.families())
        raise TuneError(f"families: received no name, expected some of {known}")
    return words


def _word(given: Any, folder: Path | None) -> str:
    if not isinstance(given, str | Path):
        return _defined(given, folder)
    word = str(given).strip()
    if is_reference(word):
        found = reference(word)
        return f"{found.file}:{found.name}"
    known = option_names.families()
    if word not in known:
        raise TuneError(f"families: received {word!r}, expected one of {', '.join(known)}")
    return word


def _defined(given: Any, folder: Path | None) -> str:
    """Name a class or function by the file that defines it."""
    if not inspect.isclass(given) and not inspect.isfunction(given):
        raise TuneError(
            f"families: received {type(given).__name__}, expected a name, 'FILE.py:NAME', a class "
            "or a function"
        )
    if given.__module__ != "__main__" or folder is None:
        try:
            return f"{inspect.getsourcefile(given)}:{given.__name__}"
        except TypeError as error:
            raise TuneError(f"families: {given.__name__} is not written in Python") from error
    file = folder / f"{given.__name__}.py"
    file.write_text(definitions(_main_source()), encoding="utf-8")
    found = reference(f"{file}:{given.__name__}")
    return f"{found.file}:{found.name}"


def definitions(source: str) -> str:
    """Keep of a program its imports, classes, functions and constants, without comments."""
    kept = [node for node in ast.parse(source).body if _is_kept(node)]
    return ast.unparse(ast.Module(kept, type_ignores=[])) + "\n"


def _is_kept(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        try:
            ast.literal_eval(node.value or ast.Constant(None))
        except ValueError:
            return False
        return True
    return isinstance(node, _DEFINES)


def _main_source() -> str:
    """Give the code of the script, or of all cells of the notebook that were run."""
    main = sys.modules["__main__"]
    shell = getattr(main, "get_ipython", lambda: None)()
    if shell is not None:
        return "\n".join(filter(_parses, map(shell.transform_cell, shell.user_ns["In"])))
    if file := getattr(main, "__file__", None):
        return Path(file).read_text(encoding="utf-8")
    raise ModelError("families: what an interactive session defines has no file; write one")


def _parses(cell: str) -> bool:
    try:
        ast.parse(cell)
    except SyntaxError:
        return False
    return True
