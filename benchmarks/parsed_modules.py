"""Parse the modules of a checkout, and find the imports between their rooms; for shape.py.

Nothing is imported, so that a revision can be read whose requirements are not installed.
"""

import ast
import configparser
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

PACKAGES = ("data_pipeline", "models", "search")
Function = ast.FunctionDef | ast.AsyncFunctionDef
Floors = dict[str, int]  # room -> its floor, 0 the highest


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes:
        name: as it is imported, `search.tuning.run`; of an `__init__.py` its package's.
        path: below the root.
        text: what stands in it.
    """

    name: str
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def package(self) -> str:
        return self.name.split(".")[0]

    @property
    def room(self) -> str:
        """Where it belongs inside its package: a folder there, or a module of its own."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def only_says_what(self) -> bool:
        """Whether it holds a docstring at most, as most `__init__.py` do.

        Such files would halve the medians and say nothing of how long modules are.
        """
        return all(isinstance(node, ast.Expr) for node in self.tree.body)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def comments(self) -> int:
        """Comments, alone on a line or behind code."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return sum(token.type == tokenize.COMMENT for token in tokens)

    def functions(self) -> Iterator[tuple[str, Function, bool]]:
        """Each function: its name with the module's, its node, and whether it is public."""
        yield from _functions(self.tree, self.name, public=True)

    def imports(self, known: set[str]) -> set[str]:
        """Names of the modules among `known` that it imports, inside functions too."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                source = self._source(node)
                whole = {f"{source}.{alias.name}" for alias in node.names}
                found |= {name if name in known else source for name in whole}
        return found & known

    def _source(self, node: ast.ImportFrom) -> str:
        """The module that a `from` names; dots lead upward from this one's folder."""
        if not node.level:
            return node.module or ""
        folder = self.path.parent.parts
        above = folder[: len(folder) - node.level + 1]
        return ".".join([*above, *([node.module] if node.module else [])])


def _functions(node: ast.AST, prefix: str, *, public: bool) -> Iterator[tuple[str, Function, bool]]:
    """Functions below a node; what is inside a function is not public."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.ClassDef):
            yield from _functions(child, prefix, public=public)
            continue
        name = f"{prefix}.{child.name}"
        shown = public and not child.name.startswith("_")
        if isinstance(child, Function):
            yield name, child, shown
        yield from _functions(child, name, public=shown and isinstance(child, ast.ClassDef))


def read_modules(root: Path) -> list[Module]:
    """The modules of the three packages below a checkout."""
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            place = path.relative_to(root)
            parts = place.parent.parts if path.stem == "__init__" else place.with_suffix("").parts
            found.append(Module(".".join(parts), place, path.read_text(encoding="utf-8")))
    return found


def arrows(modules: list[Module], floors: dict[str, Floors]) -> dict[str, Any]:
    """Imports between rooms of one package, each pair of rooms once.

    Those that go upward, or to a room of the same floor, are None where setup.cfg of the checkout
    names no floors.
    """
    rooms = {module.name: (module.package, module.room) for module in modules}
    every = set(rooms)
    pairs = set()
    for module in modules:
        package, room = rooms[module.name]
        for other_package, other in map(rooms.__getitem__, module.imports(every)):
            if other_package == package and room and other and room != other:
                pairs.add((package, room, other))
    known = {package for package, room in rooms.values() if room} <= set(floors)
    upward = [
        f"{package}.{room} -> {package}.{other}"
        for package, room, other in sorted(pairs)
        if known and not _down(floors[package], room, other)
    ]
    return {"arrows": len(pairs), "upward": upward if known else None}


def _down(floors: Floors, room: str, target: str) -> bool:
    """Whether the target is on a lower floor; a room that no contract names is on none."""
    return floors.get(room, -1) < floors.get(target, -1)


def read_floors(root: Path) -> dict[str, Floors]:
    """For each package the floors of its rooms, from the import contracts in `setup.cfg`."""
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg")
    found = {}
    for section in config.sections():
        package = config[section].get("containers", "").strip()
        if section.startswith("importlinter:contract:") and package in PACKAGES:
            floors = config[section]["layers"].strip().splitlines()
            found[package] = {
                room: floor
                for floor, line in enumerate(floors)
                for room in re.findall(r"\w+", line)
            }
    return found
