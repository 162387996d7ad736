"""Processes end at once, and lose nothing of what they had to say or to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_pipeline.processes import spared_imports as spared_module
from data_pipeline.processes.spared_imports import spared_imports

ROOT = str(Path(__file__).parents[1])
START = (
    "import atexit, sys\n"
    "from data_pipeline.processes.leave import LeaveAtOnce\n"
    "process = LeaveAtOnce()\n"
    "atexit.register(lambda: print('cleaned up'))\n"
    "class Late:\n"
    "    def __del__(self): print('taken apart')\n"
    "late = Late(); late.itself = late\n"
)


def ended(code, **options):
    command = [sys.executable, "-c", START + code]
    options |= {"env": os.environ | {"PYTHONUNBUFFERED": ""}, "text": True}
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, **options)
    return done.returncode, done.stdout, done.stderr


def test_a_process_ends_with_its_status_once_libraries_have_cleaned_up():
    code = "print('said', end='-'); process.status = 3; sys.exit(3)"
    assert ended(code, stdout=subprocess.PIPE) == (3, "said-cleaned up\n", "")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("--version", 0, "tune, version"),
        ("runn", 2, "Did you mean 'run'"),
        ("show none", 1, "no runs here"),
    ],
)
def test_the_program_ends_with_the_status_of_its_command(words, status, said, tmp_path):
    command = [sys.executable, "-m", "search", *words.split()]
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": ROOT}, "text": True}
    done = subprocess.run(command, check=False, capture_output=True, **options)
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def test_a_process_that_fails_ends_as_python_ends_it():
    status, said, error = ended("raise ValueError('why')", stdout=subprocess.PIPE)
    assert (status, said) == (1, "cleaned up\ntaken apart\n")
    assert error.endswith("ValueError: why\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_what_cannot_be_written_out_is_an_error_as_ever():
    with Path("/dev/full").open("w") as full:
        status, _, error = ended("process.status = 0; sys.exit(0)", stdout=full)
    assert status == 120  # Python's own for this
    assert "No space left on device" in error


@pytest.mark.parametrize(("own", "absent"), [([True], True), ([], False)])
def test_packages_look_absent_in_processes_of_our_own_alone(own, absent, monkeypatch):
    monkeypatch.setattr(spared_module, "_own", own)
    monkeypatch.setattr(spared_module, "_PACKAGES", ("wave", "json"))
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with spared_imports():
        assert ("wave" in sys.modules) is absent
        if absent:
            with pytest.raises(ModuleNotFoundError):
                import wave
        import json  # was there

        assert json.loads("1") == 1
    import wave  # noqa: F811 - it is there again

    assert wave.open
