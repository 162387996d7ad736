import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from drawing import hostile_task

from data_pipeline.processes import workers as module
from data_pipeline.processes.limits import Failure, TaskLimits
from data_pipeline.processes.workers import WITH_PILLOW, run_in_workers


def run(tasks, limits):
    return list(run_in_workers(hostile_task, tasks, workers=2, limits=limits, preload=WITH_PILLOW))


@pytest.fixture(scope="module")
def results():
    tasks = [f"file{index}" for index in range(40)]
    tasks[5], tasks[17], tasks[30] = "kill", "hang", "kill"
    outcome = run(tasks, TaskLimits(hang_seconds=2))
    assert sorted(task for task, _ in outcome) == sorted(tasks)
    return outcome


def test_a_task_that_kills_its_worker_costs_only_itself(results):
    failures = [(task, result) for task, result in results if isinstance(result, Failure)]
    assert sorted(task for task, _ in failures) == ["hang", "kill", "kill"]
    assert ("kill", Failure("killed its decoder: exit code -9")) in failures
    assert all(result == task.upper() for task, result in results if task.startswith("file"))


def test_a_task_that_hangs_is_stopped(results):
    assert ("hang", Failure("no answer in 2 s")) in results


def test_a_task_that_computes_too_long_is_ended_inside_native_code_and_costs_only_itself():
    outcome = dict(run(["a", "b", "burn", *"cdefgh"], TaskLimits(processor_seconds=0.5)))
    assert outcome.pop("burn") == Failure("took over 0.5 s of processor time")
    assert sorted(outcome.values()) == [*"ABCDEFGH"]


def test_a_task_that_waits_uses_no_processor_time():
    tasks = [f"wait{number}" for number in range(8)]
    outcome = run(tasks, TaskLimits(processor_seconds=0.5))
    assert sorted(outcome) == [(task, task.upper()) for task in tasks]


def test_processor_time_is_counted_per_task_and_not_per_worker():
    # A worker runs about eight of them, 0.2 s each.
    outcome = run([f"compute{number}" for number in range(16)], TaskLimits(processor_seconds=0.5))
    assert not any(isinstance(result, Failure) for _, result in outcome)


def test_an_error_of_the_program_is_not_taken_for_a_bad_file():
    with pytest.raises(MemoryError):
        list(run_in_workers(hostile_task, ["eat"], workers=1, preload=WITH_PILLOW))


def test_no_tasks_start_no_workers():
    assert list(run_in_workers(hostile_task, [])) == []


def test_a_pool_that_cannot_be_started_at_first_loses_no_task(monkeypatch):
    real, attempts = module.schedule, []

    def schedule(*arguments):
        attempts.append(arguments)
        if len(attempts) == 1:
            raise BrokenProcessPool("its server died")
        return real(*arguments)

    monkeypatch.setattr(module, "schedule", schedule)
    tasks = ["a", "b", "c"]
    assert sorted(run(tasks, TaskLimits())) == [("a", "A"), ("b", "B"), ("c", "C")]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at libraries by /proc")
def test_a_server_without_tensorflow_gives_way_to_one_with_it_once_no_worker_is_left():
    """Or each worker that decodes would import it by itself, in every later check."""
    program = """
from data_pipeline.processes.workers import (
    DEFAULT_LIMITS, WITH_PILLOW, WITH_TENSORFLOW, end_pool, new_pool, run_in_workers, schedule
)
from drawing import server_has_loaded


def found(preload):
    ((_, result),) = run_in_workers(server_has_loaded, ["tensorflow"], preload=preload)
    return result


pool = new_pool(1, 2**34, WITH_PILLOW)
(first, loaded), = schedule(pool, server_has_loaded, ["tensorflow"], DEFAULT_LIMITS).result()
assert not loaded
assert found(WITH_TENSORFLOW) == (first, False), "while a worker of it is there"
end_pool(pool)
second, loaded = found(WITH_TENSORFLOW)
assert second != first and loaded
assert found(WITH_PILLOW) == found(WITH_TENSORFLOW) == (second, True)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "support")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=environment, check=False, timeout=240, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_neither_the_server_nor_its_workers_while_they_start():
    """A terminal sends it to all processes; the driver alone says what becomes of them."""
    program = """
import os
import signal
import time

from data_pipeline.processes.workers import WITH_TENSORFLOW, run_in_workers, start_server
from drawing import hostile_task

signal.signal(signal.SIGINT, lambda *_: None)  # what is ignored would be inherited
start_server(WITH_TENSORFLOW)
time.sleep(1)  # it imports
os.killpg(os.getpgrp(), signal.SIGINT)
assert list(run_in_workers(hostile_task, ["a"], workers=1)) == [("a", "A")]
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "support")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        check=False,
        timeout=240,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
