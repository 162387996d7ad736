"""Write the trees of CONTRIBUTING.md from the first lines of docstrings.

    python benchmarks/code_tree.py CONTRIBUTING.md

Between `<!-- rooms` and its end goes a line for each folder of the three packages, between
`<!-- modules` and its end a line for each module too: packages in the order of `PACKAGES`, rooms
from the highest floor to the lowest.
"""

import ast
import re
import sys
from pathlib import Path

from parsed_modules import PACKAGES, Module, read_floors, read_modules

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Rewrite the given documents."""
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(rewritten(path.read_text(encoding="utf-8"), ROOT), encoding="utf-8")


def rewritten(document: str, root: Path) -> str:
    """The document with what stands between its markers made anew."""
    everything = _in_order(root)
    folders = [module for module in everything if _is_folder(module)]
    return _filled(_filled(document, "rooms", folders), "modules", everything)


def _filled(document: str, part: str, modules: list[Module]) -> str:
    """The document with a line for each of these between the markers of this part."""
    names = [_name(module) for module in modules]
    width = max(map(len, names)) + 2
    lines = [
        f"{name:{width}}{_summary(module)}" for name, module in zip(names, modules, strict=True)
    ]
    block = "\n".join(["```text", *lines, "```\n"])
    pattern = rf"(<!-- {part}\b[^\n]*-->\n).*?(<!-- end of {part} -->)"
    return re.sub(pattern, lambda found: found[1] + block + found[2], document, flags=re.DOTALL)


def _in_order(root: Path) -> list[Module]:
    """Packages, in them rooms by floor, in these the folder before its modules."""
    floors = read_floors(root)

    def place(module: Module) -> tuple[object, ...]:
        package = PACKAGES.index(module.package)
        floor = floors.get(module.package, {}).get(module.room, -1)
        return package, floor, module.room, module.path.parent, not _is_folder(module), module.name

    return sorted(read_modules(root), key=place)


def _is_folder(module: Module) -> bool:
    return module.path.name == "__init__.py"


def _name(module: Module) -> str:
    """The name of a file or folder, as far to the right as it lies deep."""
    place = module.path.parent if _is_folder(module) else module.path
    return "  " * (len(place.parts) - 1) + place.name + ("/" if _is_folder(module) else "")


def _summary(module: Module) -> str:
    return (ast.get_docstring(module.tree) or "").split("\n")[0]


if __name__ == "__main__":
    main()
