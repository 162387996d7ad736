"""Worker processes of a script that guards nothing: they must not begin it once more."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

GUARDLESS = """
import os
from data_pipeline.processes.workers import run_in_workers

def mine(path):
    return path

print("begun")
print(sorted(result for _, result in run_in_workers({name}, ["a/b", "c/d"], workers=1)))
"""


def guardless(folder, name):
    """Run a script that begins workers without a guard, which run a function of that name."""
    script = folder / "script.py"
    script.write_text(GUARDLESS.format(name=name))
    return subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_workers_do_not_begin_the_main_program_again(tmp_path):
    assert guardless(tmp_path, "os.path.basename").stdout == "begun\n['b', 'd']\n"


def test_what_workers_could_not_import_is_refused(tmp_path):
    found = guardless(tmp_path, "mine")
    assert found.stdout == "begun\n"
    assert "ValueError: mine: put it into a module that workers can import" in found.stderr
