import pytest
from drawing import hostile_task

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
