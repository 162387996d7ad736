"""CONTRIBUTING.md names every module; it and README.md only paths that are there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("data_pipeline", "models", "search")
DOCUMENTS = ("README.md", "CONTRIBUTING.md")
# `search/trial/training.py`, `search/tuning/loop.py:Executor`, `models/`.
PATH = re.compile(
    r"(?<![\w./-])((?:data_pipeline|models|search|tests|benchmarks|results)/[\w./-]*)(?::(\w+))?"
)


def test_the_trees_are_what_the_docstrings_say(tmp_path):
    name = "CONTRIBUTING.md"
    copy = tmp_path / name
    shutil.copy(ROOT / name, copy)
    script = ROOT / "benchmarks" / "code_tree.py"
    subprocess.run([sys.executable, str(script), str(copy)], check=True, timeout=60)
    assert copy.read_text() == (ROOT / name).read_text(), "run `make docs`"


def listed():
    """The paths that the indented list of CONTRIBUTING.md names."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(r"<!-- modules.*?```text\n(.*?)```", text, re.DOTALL)[1]
    paths, folders = [], []
    for line in block.splitlines():
        indent, name = re.match(r"( *)(\S+)", line).groups()
        folders = [*folders[: len(indent) // 2], name]
        paths.append("".join(folders))
    return paths


def test_every_module_and_every_folder_is_listed_once():
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    there = [str(path.relative_to(ROOT)).replace("__init__.py", "") for path in modules]
    assert sorted(listed()) == sorted(there)


def test_every_module_says_in_one_line_what_it_is():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(r"<!-- modules.*?```text\n(.*?)```", text, re.DOTALL)[1]
    assert [line for line in block.splitlines() if not re.match(r" *\S+  +\S.*[.)]$", line)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_is_named_is_there_and_holds_the_name_behind_it(name):
    quoted = re.findall(r"`([^`\n]+)`", (ROOT / name).read_text())
    named = [found.groups() for text in quoted for found in PATH.finditer(text)]
    named = [(path, inside) for path, inside in named if not path.startswith("results/")]
    assert named
    assert [path for path, _ in named if not (ROOT / path).exists()] == []
    lacking = [
        (path, inside)
        for path, inside in named
        if inside and not re.search(rf"\b{inside}\b", (ROOT / path).read_text())
    ]
    assert lacking == []
