"""Worker processes: what goes wrong in one costs a trial, never the search."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from fake_workers import fake_work
from searching import trial_record
from small_trials import fresh, transfer_experiment, values_for
from stopping import AT_ONCE, NEVER
from waiting import wait_until

from data_pipeline.processes.contexts import SpawnContext
from search.errors import DataGoneError
from search.executors.worker_main import work
from search.executors.worker_pool import WorkerLimits, Workers
from search.run_folder.paths import RunFolder
from search.run_folder.records import COMPLETED, FAILED, HUNG, KILLED, MEMORY, STOPPED
from search.trial.messages import TrialTask


def task(do, trial_id="0000"):
    values = {"do": do, "batch_size": 8}
    spec = trial_record(trial_id, None, values=values, epochs=1).spec
    return TrialTask(spec)


@pytest.fixture
def workers(tmp_path):
    with Workers(
        RunFolder(tmp_path), devices=[None], limits=WorkerLimits(silence=1.0), target=fake_work
    ) as pool:
        yield pool


def run(pool, do, stop=NEVER, report=lambda progress: True):
    pool.start(task(do))
    trial_id, result = pool.wait(report, stop)
    assert trial_id == "0000"
    return result


def test_a_worker_lives_from_trial_to_trial_and_reports_its_steps(workers):
    steps = []
    first = run(workers, "well", report=lambda progress: steps.append(progress.step) or True)
    second = run(workers, "well")
    assert (first.status, second.status) == (COMPLETED, COMPLETED)
    assert first.reason == second.reason, "the same process"
    assert steps == [1, 2]


@pytest.mark.parametrize(("do", "said"), [("die", "SIGKILL"), ("exit", "exit status 3")])
def test_a_dead_worker_is_a_failed_trial_and_the_next_trial_has_a_new_one(workers, do, said):
    failed = run(workers, do)
    assert (failed.status, failed.failure) == (FAILED, KILLED)
    assert said in failed.reason
    assert run(workers, "well").status == COMPLETED


def test_a_silent_trial_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("search.executors.worker_pool.START_SECONDS", 1.0)
    limits = WorkerLimits(silence=1.0)
    with Workers(RunFolder(tmp_path), devices=[None], limits=limits, target=fake_work) as pool:
        run(pool, "well")
        start = time.monotonic()
        hung = run(pool, "hang")
        assert (hung.status, hung.failure) == (FAILED, HUNG)
        assert "1 s" in hung.reason
        assert time.monotonic() - start < 20
        assert run(pool, "well").status == COMPLETED


def test_a_worker_that_has_grown_is_replaced(tmp_path):
    limits = WorkerLimits(memory=10**14)
    with Workers(RunFolder(tmp_path), devices=[None], limits=limits, target=fake_work) as pool:
        grown, fresh = run(pool, "grow"), run(pool, "well")
    assert grown.status == fresh.status == COMPLETED
    assert grown.reason != fresh.reason, "another process"


@pytest.mark.parametrize("who", ["report", "stop"])
def test_a_trial_stops_when_told_to(workers, who):
    stopping = {who: (lambda progress: False) if who == "report" else AT_ONCE}
    assert run(workers, "long", **stopping).status == STOPPED


def test_a_full_disk_ends_the_search_instead_of_the_trial(workers):
    with pytest.raises(OSError, match="No space left"):
        run(workers, "full disk")


def test_images_that_are_gone_end_the_search_too(workers):
    with pytest.raises(DataGoneError, match="gone"):
        run(workers, "gone images")


def test_two_workers_run_two_trials_at_once(tmp_path):
    with Workers(
        RunFolder(tmp_path), devices=[None, None], limits=WorkerLimits(), target=fake_work
    ) as pool:
        pool.start(task("long", "0000"))
        pool.start(task("well", "0001"))
        assert pool.wait(lambda p: True, NEVER)[0] == "0001", "not held up by 0000"
        assert pool.wait(lambda p: True, NEVER)[0] == "0000"


@pytest.mark.parametrize(("devices", "lives"), [(["0", "0"], False), (["0", "1"], True)])
def test_out_of_memory_ends_the_idle_workers_of_that_gpu(devices, lives, tmp_path):
    with Workers(
        RunFolder(tmp_path), devices=devices, limits=WorkerLimits(), target=fake_work
    ) as pool:
        pool.start(task("no memory", "0000"))
        pool.start(task("well", "0001"))
        process = dict(pool.wait(lambda p: True, NEVER) for _ in range(2))["0001"].reason
        # Idle on both now; the next trial runs out of memory on the first.
        assert run(pool, "no memory").failure == MEMORY
        pool.start(task("long", "0002"))
        pool.start(task("well", "0003"))
        trial_id, result = pool.wait(lambda p: True, NEVER)
        assert trial_id == "0003"
        assert (result.reason == process) is lives


def _driver(folder, pipe):
    with Workers(
        RunFolder(folder), devices=[None], limits=WorkerLimits(), target=fake_work
    ) as pool:
        run(pool, "well")
        pipe.send(int(run(pool, "well").reason))
        time.sleep(600)


def test_workers_end_when_their_driver_is_killed(tmp_path):
    ours, theirs = multiprocessing.Pipe()
    driver = multiprocessing.get_context("spawn").Process(target=_driver, args=(tmp_path, theirs))
    driver.start()
    worker = ours.recv()
    os.kill(worker, 0)
    driver.kill()
    driver.join()

    def is_gone():
        stat = Path(f"/proc/{worker}/stat")
        return not stat.exists() or stat.read_text().split()[2] == "Z"

    try:
        wait_until(is_gone)
        assert is_gone(), "the worker outlived its driver"
    finally:
        if not is_gone():
            os.kill(worker, signal.SIGKILL)


def test_a_worker_of_a_run_that_could_not_be_begun_ends_without_a_word(tmp_path, capfd):
    """The driver has deleted the folder while the worker was starting."""
    context = SpawnContext()
    (ours, theirs), stop = context.Pipe(), context.Event()
    process = context.Process(target=work, args=(tmp_path / "gone", None, 1, theirs, stop))
    process.start()
    theirs.close()
    process.join(60)
    assert process.exitcode == 0
    assert capfd.readouterr().err == ""
    ours.close()


@pytest.mark.slow
def test_a_worker_leaves_no_temporary_files(tmp_path, monkeypatch):
    """It is ended at once: what is to be deleted at the end of a process would stay."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for variable in ("TMPDIR", "TMP", "TEMP"):
        monkeypatch.setenv(variable, str(temporary))
    experiment = transfer_experiment(tmp_path, families=("transfer", "cnn"))
    with Workers(experiment.run, devices=[None], limits=WorkerLimits()) as pool:
        for number, kind in enumerate(("cnn", "transfer, frozen")):
            values = values_for(experiment, kind, **{"augmentation/strength": 0.3})
            pool.start(TrialTask(fresh(f"000{number}", values=values, epochs=1).spec))
            _, result = pool.wait(lambda progress: True, NEVER)
            assert result.status == COMPLETED, result.reason
    assert [path.name for path in temporary.iterdir()] == []
