"""How fast a machine is, by what it took to import TensorFlow."""

import subprocess
import sys

import pytest

from search.process.machine import pace as pace_module
from search.process.machine.pace import note_import, pace


@pytest.fixture(autouse=True)
def unknown(monkeypatch):
    monkeypatch.setattr(pace_module, "_known", [])


@pytest.mark.parametrize(
    ("cpu", "wall", "expected"),
    [(2.5, 4.4, 1.0), (2.5, 6.6, 1.5), (4.0, 4.4, 1.6), (2.5, 2.5, 1.0), (0.1, 0.1, 0.75)],
)
def test_the_pace_is_that_of_the_processor_or_of_the_clock(cpu, wall, expected):
    assert 1.0 < pace() < 2.0  # where nothing is known, rather too slow
    note_import(cpu, wall)
    assert pace() == pytest.approx(expected)
    note_import(3.0, 60.0)
    assert pace() == 2.0


def test_the_first_import_of_tensorflow_sets_the_pace_and_spares_what_is_not_used():
    code = (
        "import sys; from data_pipeline.processes.spared_imports import mark_own_process\n"
        "from search.process import quiet\n"
        "from search.process.machine import pace\n"
        "mark_own_process(); quiet.import_tensorflow(); import keras\n"
        "print(sorted({'sklearn', 'matplotlib'} & set(sys.modules)), len(pace._known))\n"
        "pace._known.clear(); quiet.import_tensorflow()\n"
        "import sklearn.linear_model, matplotlib.figure\n"
        "print(len(pace._known))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines() == ["[] 1", "0"], done.stderr
