"""Name a family in a user's file, `FILE.py:NAME`; looks at the file without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError
from models.families.registry import FAMILIES

_NAME = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Reference:
    """A family in a file.

    Attributes:
        file: Python code.
        name: What it calls the family: a class, a function or a variable.
    """

    file: Path
    name: str


def references_in(words: Iterable[str]) -> tuple[Reference, ...]:
    """Read the files among the words of `--families`.

    Raises:
        ModelError: See `reference`; or two have one name.
    """
    found = tuple(reference(word) for word in words if is_reference(word))
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ModelError(f"families: {', '.join(twice)} is the name of two; choose another")
    return found


def names_in(words: Iterable[str]) -> tuple[str, ...]:
    """Read the names of families among the words of `--families`, those in files too."""
    return tuple(reference(word).name if is_reference(word) else word for word in words)


def is_reference(word: str) -> bool:
    """Tell whether a word names a file, and not a built-in family."""
    return word.endswith(".py") or ".py:" in word


def reference(word: str) -> Reference:
    """Read `FILE.py:NAME`, or `FILE.py` where the file holds one family alone.

    Raises:
        ModelError: There is no such file or name in it, or the name is taken.
    """
    path, _, name = word.partition(".py:") if ".py:" in word else (word[:-3], "", "")
    file = Path(f"{path}.py")
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except OSError as error:
        raise ModelError(f"{file}: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read as Python: {error}") from error
    found = _names(tree)
    if not name:
        likely = [each for each, is_likely in found.items() if is_likely]
        if len(likely) != 1:
            listed = ", ".join(likely) or "none"
            raise ModelError(
                f"{file}: name one of its families, as {file}:NAME (there are: {listed})"
            )
        (name,) = likely
    elif name not in found:
        listed = ", ".join(found) or "nothing"
        raise ModelError(f"{file}: defines no {name} (it defines: {listed})")
    if not _NAME.fullmatch(name) or name in FAMILIES:
        raise ModelError(
            f"{file}: the name {name} is taken by a built-in family, or starts with '_'; "
            "choose another"
        )
    return Reference(file.resolve(), name)


def _names(tree: ast.Module) -> dict[str, bool]:
    """List what a file binds at its top level, and whether each looks like a family."""
    found: dict[str, bool] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
            found[node.name] = "build" in methods
        elif isinstance(node, ast.FunctionDef):
            arguments = [argument.arg for argument in node.args.args]
            found[node.name] = arguments[:1] == ["hp"] and node.name.startswith("build")
        elif isinstance(node, ast.Assign):
            call = node.value
            made = isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "Family"
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            found |= dict.fromkeys(names, made)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.split(".")[0]: False for alias in node.names}
    return found
