"""Measure the shape of the code: sizes of folders, modules and functions, comments, imports.

    python benchmarks/shape.py [ROOT] [--json]

ROOT is a checkout, this one by default, so that an older revision can be measured too (with
`git worktree add`). The code is only parsed, never imported: what it imports need not be installed.
"""

import argparse
import ast
import json
import math
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from parsed_modules import PACKAGES, Floors, Function, Module, arrows, read_floors, read_modules


def measure(root: Path) -> dict[str, Any]:
    """What `main` prints: a part for each package, and `all` for the three together."""
    modules, floors = read_modules(root), read_floors(root)
    parts = {name: [m for m in modules if m.package == name] for name in PACKAGES}
    return {name: shape(some, floors) for name, some in {**parts, "all": modules}.items()}


def shape(modules: list[Module], floors: dict[str, Floors]) -> dict[str, Any]:
    """Figures of these modules."""
    functions = [found for module in modules for found in module.functions()]
    public = [node for _, node, is_public in functions if is_public]
    with_code = [module for module in modules if not module.only_says_what]
    folders = Counter(str(module.path.parent) for module in with_code)
    lines = sum(module.lines for module in modules)
    return {
        "modules": len(modules),
        "lines": lines,
        "folders": len({module.path.parent for module in modules}),
        "modules_per_folder": sizes(folders),
        "lines_per_module": sizes({module.name: module.lines for module in with_code}),
        "lines_per_function": sizes({name: _length(node) for name, node, _ in functions}),
        "comments_per_100_lines": _share(sum(m.comments for m in modules), lines),
        "public_documented_percent": _share(sum(map(_documented, public)), len(public)),
        "annotated_percent": _share(
            sum(_annotated(node) for _, node, _ in functions), len(functions)
        ),
        "names_with_several_meanings": ambiguous_names(modules),
        **arrows(modules, floors),
    }


def sizes(by_name: dict[str, int]) -> dict[str, Any]:
    """Median, 95th percentile (the smallest size that 95 % do not pass) and largest of sizes."""
    if not by_name:
        return {"median": 0, "p95": 0, "largest": 0, "name": ""}
    ordered = sorted(by_name.values())
    name = max(by_name, key=lambda each: (by_name[each], each))
    return {
        "median": statistics.median(ordered),
        "p95": ordered[math.ceil(0.95 * len(ordered)) - 1],
        "largest": by_name[name],
        "name": name,
    }


def ambiguous_names(modules: list[Module]) -> dict[str, list[str]]:
    """Public functions and classes whose name stands for another thing in another module."""
    places = defaultdict(list)
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module.name)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def _length(node: Function) -> int:
    """Lines from `def` to the end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _documented(node: Function) -> bool:
    return ast.get_docstring(node) is not None


def _annotated(node: Function) -> bool:
    """Whether every argument is, but `self` and `cls`; and the result, but of `__init__`."""
    every = node.args
    given = [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]
    named = [one for one in given if one is not None and one.arg not in ("self", "cls")]
    returns = node.returns is not None or node.name == "__init__"
    return returns and all(one.annotation is not None for one in named)


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


ROWS = {
    "folders": "folders",
    "modules": "modules",
    "lines": "lines",
    "modules_per_folder": "modules per folder",
    "lines_per_module": "lines per module",
    "lines_per_function": "lines per function",
    "comments_per_100_lines": "comments per 100 lines",
    "public_documented_percent": "public functions with docstring, %",
    "annotated_percent": "functions with annotations, %",
    "names_with_several_meanings": "names with several meanings",
    "arrows": "imports between rooms",
    "upward": "of these upward",
}


def report(measured: dict[str, Any]) -> str:
    """The figures as a table, one column a package, and below it what the largest are called."""
    lines = [f"{'':36}" + "".join(f"{name:>18}" for name in measured)]
    for key, title in ROWS.items():
        lines.append(
            f"{title:36}" + "".join(f"{_cell(part[key]):>18}" for part in measured.values())
        )
    lines.append("(sizes: median / 95th percentile / largest)")
    whole = measured["all"]
    for key in ("modules_per_folder", "lines_per_module", "lines_per_function"):
        lines.append(f"largest, {ROWS[key]}: {whole[key]['name']} ({whole[key]['largest']})")
    for name, places in whole["names_with_several_meanings"].items():
        lines.append(f"several meanings: {name} in {', '.join(places)}")
    lines += [f"upward: {arrow}" for arrow in whole["upward"] or []]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """A figure in few characters; of names their number."""
    if value is None:
        return "no floors"
    if isinstance(value, dict) and "median" in value:
        return f"{value['median']:g} / {value['p95']} / {value['largest']}"
    return str(len(value) if isinstance(value, dict | list) else value)


def main() -> None:
    """Print the shape of a checkout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).parents[1]
    parser.add_argument("root", nargs="?", type=Path, default=here, help="a checkout")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    measured = measure(given.root)
    print(json.dumps(measured, indent=2) if given.json else report(measured))


if __name__ == "__main__":
    main()
