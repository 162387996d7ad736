"""The shape of the code: what `make shape` measures, and the sizes that the code keeps to."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHAPE = ROOT / "benchmarks" / "shape.py"

CONTRACT = """
[importlinter:contract:search]
type = layers
containers = search
layers =
    cli
    trial | report
    errors
"""
RUN = '''"""A module."""

from search import errors
from search.trial.steps import go


class Run:
    """A class."""

    def __init__(self, name):  # not annotated
        self.name = name

    def say(self) -> str:
        return "# this is no comment"


def start(one: int) -> int:
    """Start."""

    def inside() -> int:
        # why
        return 1

    return inside() + go(one)
'''
STEPS = '''"""Steps."""


def go(count: int) -> int:
    """Go."""
    from .. import report
    from search.cli.run import Run

    return count


def start(one: int) -> int:
    """Start something else."""
    return one


def _hidden(one: int) -> int:
    return one
'''


def measured(root):
    answer = subprocess.run(
        [sys.executable, str(SHAPE), str(root), "--json"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A checkout of three packages, two of them empty, with an import that goes upward."""
    root = tmp_path_factory.mktemp("drawn")
    files = {
        "setup.cfg": CONTRACT,
        "models/__init__.py": "",
        "data_pipeline/__init__.py": "",
        "search/__init__.py": "",
        "search/errors.py": 'class TuneError(Exception):\n    """Ours."""\n',
        "search/cli/__init__.py": '"""Commands."""\n',
        "search/cli/run.py": RUN,
        "search/trial/__init__.py": "",
        "search/trial/steps.py": STEPS,
        "search/trial/other.py": "VALUE = 1\n",
        "search/report/__init__.py": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_folders_modules_and_functions_are_measured_and_the_largest_named(drawn):
    search = measured(drawn)["search"]
    assert (search["folders"], search["modules"]) == (4, 8)
    assert search["modules_per_folder"] == {
        "median": 1,
        "p95": 2,
        "largest": 2,
        "name": "search/trial",
    }
    assert search["lines_per_module"] == {
        "median": 10,
        "p95": 24,
        "largest": 24,
        "name": "search.cli.run",
    }
    assert search["lines_per_function"] == {
        "median": 3,
        "p95": 8,
        "largest": 8,
        "name": "search.cli.run.start",
    }


def test_comments_docstrings_and_annotations_are_counted(drawn):
    search = measured(drawn)["search"]
    assert search["lines"] == 24 + 18 + 2 + 1 + 1
    assert search["comments_per_100_lines"] == 4.3  # two of 46; a string is none
    assert search["public_documented_percent"] == 75.0  # `say` has none; `inside` is not public
    assert search["annotated_percent"] == 85.7  # all of seven but `__init__`


def test_a_name_that_two_modules_define_is_listed(drawn):
    search = measured(drawn)["search"]
    assert search["names_with_several_meanings"] == {
        "start": ["search.cli.run", "search.trial.steps"]
    }


def test_imports_between_rooms_are_counted_and_those_upward_or_sideways_listed(drawn):
    search = measured(drawn)["search"]
    assert search["arrows"] == 4
    assert search["upward"] == ["search.trial -> search.cli", "search.trial -> search.report"]


def test_without_floors_nothing_is_said_of_upward(drawn, tmp_path):
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "run.py").write_text(RUN)
    assert measured(tmp_path)["search"]["upward"] is None


def test_the_table_names_what_is_largest(drawn):
    command = [sys.executable, str(SHAPE), str(drawn)]
    table = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout
    assert "largest, lines per module: search.cli.run (24)" in table
    assert "several meanings: start in search.cli.run, search.trial.steps" in table
    assert "upward: search.trial -> search.cli" in table


def test_the_code_keeps_its_shape():
    """Room to grow, and no drawer for everything: a module past these sizes is to be divided."""
    code = measured(ROOT)["all"]
    limits = {
        "modules_per_folder": {"largest": 16},
        "lines_per_module": {"median": 95, "p95": 223, "largest": 271},
        "lines_per_function": {"median": 8, "p95": 31, "largest": 55},
    }
    for figure, most in limits.items():
        for size, limit in most.items():
            assert code[figure][size] <= limit, f"{figure}: {code[figure]}"
    assert code["public_documented_percent"] == code["annotated_percent"] == 100.0
    assert code["upward"] == []
