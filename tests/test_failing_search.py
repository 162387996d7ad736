"""A search in which one trial of five fails, in four ways in turn, in real worker processes."""

import hashlib
from collections import Counter
from contextlib import suppress

import keras_tuner
import pytest
from fake_search import make_hyperband, search_to_the_end, space
from fake_workers import failing_work, failure_of
from stopping import NEVER

from search.algorithms.plan import hyperband_rungs
from search.errors import TuneError
from search.executors.worker_pool import WorkerLimits, Workers
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_record, load_records
from search.run_folder.records import COMPLETED, DIVERGED, ERROR, FAILED, TrialResult
from search.trial.checkpoint import TrainingState
from search.tuning.loop import Search
from search.tuning.retry import HOPELESS

MAX_EPOCHS = 9


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    run = RunFolder(tmp_path_factory.mktemp("failing"))
    oracle = make_hyperband(run, max_epochs=MAX_EPOCHS)
    limits = WorkerLimits(silence=0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.executors.worker_pool.START_SECONDS", 5.0)
        with Workers(run, devices=[None, None], limits=limits, target=failing_work) as workers:
            search = Search(run, oracle, workers, observers=[], max_epochs=MAX_EPOCHS, stop=NEVER)
            assert search.to_the_end()
    return load_records(run)


def test_every_rung_has_its_planned_number_of_results(records):
    planned = Counter()
    places = Counter()
    for rung in hyperband_rungs(MAX_EPOCHS, 3, 0):
        planned[rung.bracket, places[rung.bracket]] = rung.size
        places[rung.bracket] += 1
    finished = Counter((r.bracket, r.rung) for r in records if r.status == COMPLETED)
    assert finished == planned


def test_each_kind_of_failure_is_recorded_with_its_reason(records):
    failed = {failure_of(r.trial_id): r for r in records if r.status != COMPLETED}
    assert set(failed) == {"nan", "memory", "crash", "hang"}
    assert failed["nan"].status == DIVERGED
    assert "SIGKILL" in failed["crash"].reason
    assert "nothing was heard" in failed["hang"].reason
    assert failed["memory"].batch_size == 2 or failed["memory"].batch_size == 3
    assert len(failed) <= len([r for r in records if r.status != COMPLETED]) < len(records) / 3


def test_stock_kerastuner_loses_places_to_the_same_failures(records, tmp_path):
    ours = Counter((r.bracket, r.rung) for r in records if r.status == COMPLETED)
    stock = stock_results(tmp_path)
    print("\n(bracket, rung): ours, stock", {k: (ours[k], stock[k]) for k in sorted(ours)})
    assert sum(stock.values()) < sum(ours.values())
    assert any(stock[place] == 0 for place in ours), "a rung that nobody reaches"


def stock_results(folder):
    """The same search by KerasTuner's own oracle, its stop after three failures put aside."""
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"),
        hyperparameters=space(),
        max_epochs=MAX_EPOCHS,
        factor=3,
        seed=1,
        max_consecutive_failed_trials=1000,
    )
    oracle.verbose = 0
    oracle._set_project_dir(str(folder), "stock")
    results = Counter()
    for _ in range(200):
        trial = oracle.create_trial("tuner0")
        if trial.status != "RUNNING":
            break
        values = trial.hyperparameters.values
        if failure_of(trial.trial_id):
            trial.status = "FAILED"
        else:
            digest = hashlib.sha256(repr(sorted(values.items())).encode()).digest()
            oracle.update_trial(trial.trial_id, {"val_accuracy": digest[0] / 512})
            trial.status = "COMPLETED"
            results[values["tuner/bracket"], values["tuner/round"]] += 1
        oracle.end_trial(trial)
    return results


def test_a_search_in_which_nothing_works_stops_and_says_how_each_trial_failed(tmp_path):
    def outcome(spec):
        return TrialResult(status=FAILED, failure=ERROR, reason=f"bad {spec.trial_id}")

    with pytest.raises(TuneError, match="all failed") as error:
        search_to_the_end(RunFolder(tmp_path / "run"), outcome=outcome, max_epochs=9)
    assert all(f"bad {number:04d}" in str(error.value) for number in range(HOPELESS))
    assert len(load_records(RunFolder(tmp_path / "run"))) == HOPELESS


@pytest.mark.parametrize("progress", [True, False])
def test_a_trial_that_gets_further_at_each_start_is_not_set_aside(tmp_path, progress):
    run = RunFolder(tmp_path / "run")
    starts = []

    def dies(spec):
        if spec.trial_id == "0002" and len(starts) < 25:
            starts.append(load_record(run, "0002").attempts)
            epoch = len(starts) if progress else 1
            TrainingState(epoch, 0, [], []).save(run.checkpoint("0002"))
            raise KeyboardInterrupt

    for _ in range(25):
        with suppress(KeyboardInterrupt):
            search_to_the_end(run, outcome=dies, max_epochs=9)
    search_to_the_end(run, outcome=dies, max_epochs=9)
    record = next(record for record in load_records(run) if record.trial_id == "0002")
    assert record.status == (COMPLETED if progress else FAILED)
    assert len(starts) == (25 if progress else 21)
    assert max(starts) == (1 if progress else 20)
    assert all(record.ended for record in load_records(run))
