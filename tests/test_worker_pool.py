import pytest
from drawing import hostile_task

from data_pipeline.processes.workers import WITH_PILLOW, Failure, run_in_workers


@pytest.fixture(scope="module")
def results():
    tasks = [f"file{index}" for index in range(40)]
    tasks[5], tasks[17], tasks[30] = "kill", "hang", "kill"
    results = run_in_workers(hostile_task, tasks, workers=2, seconds=2, preload=WITH_PILLOW)
    outcome = list(results)
    assert sorted(task for task, _ in outcome) == sorted(tasks)
    return outcome


def test_a_task_that_kills_its_worker_costs_only_itself(results):
    failures = [(task, result) for task, result in results if isinstance(result, Failure)]
    assert sorted(task for task, _ in failures) == ["hang", "kill", "kill"]
    assert ("kill", Failure("killed its decoder: exit code -9")) in failures
    assert all(result == task.upper() for task, result in results if task.startswith("file"))


def test_a_task_that_hangs_is_stopped(results):
    assert ("hang", Failure("took over 2 s")) in results


def test_an_error_of_the_program_is_not_taken_for_a_bad_file():
    with pytest.raises(MemoryError):
        list(run_in_workers(hostile_task, ["eat"], workers=1, preload=WITH_PILLOW))


def test_no_tasks_start_no_workers():
    assert list(run_in_workers(hostile_task, [])) == []
