import json
import time

import pytest
from fake_search import search_to_the_end
from searching import run_config, trial_record

from search.errors import TuneError
from search.evaluation.objective import OBJECTIVES
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import best_first
from search.run_folder.record_files import load_record, load_records
from search.run_folder.records import COMPLETED, DIVERGED, FAILED, RUNNING, STOPPED, TrialResult


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def ids(records, objective="val_accuracy"):
    return [record.trial_id for record in best_first(records, OBJECTIVES[objective])]


def test_a_record_says_when_its_trial_ended(tmp_path):
    run = RunFolder(tmp_path / "run")
    before = time.time()
    search_to_the_end(run)
    ends = [record.ended for record in load_records(run)]
    assert ends == sorted(ends)
    assert before <= ends[0] <= ends[-1] <= time.time()


def test_a_record_is_read_back_as_it_was_written(run):
    record = trial_record("0007", 0.75, parent="0003", seconds=1.5, reason="", parameters=123)
    assert record.save(run) is record
    assert load_record(run, "0007") == record


def test_a_trial_without_a_record_is_none(run):
    assert load_record(run, "0000") is None
    assert load_records(run) == []


def test_records_come_in_the_order_of_their_start_and_other_files_are_left_out(run):
    for trial_id in ("0010", "0002", "0001"):
        trial_record(trial_id).save(run)
    (run.trials / "0001.npy").write_bytes(b"")
    (run.trials / ".0001.json.1f.tmp").write_text("{")
    assert [record.trial_id for record in load_records(run)] == ["0001", "0002", "0010"]


def test_a_broken_record_is_kept_aside_and_the_others_are_read(run):
    trial_record("0000").save(run)
    trial_record("0001").save(run)
    path = run.trials / "0000.json"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.warns(UserWarning, match=r"0000\.json.*not readable as JSON"):
        records = load_records(run)
    assert [record.trial_id for record in records] == ["0001"]
    assert path.exists(), "only the search itself may rename it"


@pytest.mark.parametrize(
    "changes", [{"score": "high"}, {"history": [3]}, {"values": []}, {"epochs": None}]
)
def test_a_record_with_values_of_another_kind_is_refused_by_name(run, changes):
    trial_record("0000").save(run)
    path = run.trials / "0000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(TuneError, match=r"0000\.json: .* is not as tune writes it"):
        load_records(run)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_a_record_that_is_lost_is_named(tmp_path, status):
    run = RunFolder(tmp_path / "run")
    search_to_the_end(run)
    known = load_records(run)
    told = run.path / "oracle" / f"trial_{known[0].trial_id}" / "trial.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"status": status}))
    (run.trials / f"{known[0].trial_id}.json").unlink()
    with pytest.warns(UserWarning, match=f"the result of trial {known[0].trial_id} is lost"):
        assert load_records(run) == known[1:]


@pytest.mark.parametrize(
    ("status", "finished"),
    [(RUNNING, False), (STOPPED, False), (COMPLETED, True), (DIVERGED, True), (FAILED, True)],
)
def test_a_trial_is_finished_when_nothing_more_will_happen_to_it(status, finished):
    assert trial_record(status=status).finished is finished


def test_the_best_score_comes_first_in_either_direction():
    records = [trial_record("0000", 0.5), trial_record("0001", 0.9), trial_record("0002", 0.1)]
    assert ids(records) == ["0001", "0000", "0002"]
    assert ids(records, "val_loss") == ["0002", "0000", "0001"]


@pytest.mark.parametrize("objective", ["val_accuracy", "val_loss"])
def test_diverged_and_unscored_trials_come_last(objective):
    records = [
        trial_record("0000", 0.9 if objective == "val_accuracy" else 0.0, status=DIVERGED),
        trial_record("0001", None, status=FAILED),
        trial_record("0002", 0.5),
    ]
    assert ids(records, objective)[0] == "0002"


def test_a_configuration_appears_once_with_its_best_rung():
    records = [
        trial_record("0000", 0.8, epochs=3),
        trial_record("0001", 0.7, epochs=3),
        trial_record("0002", 0.6, configuration="0000", epochs=9),
        trial_record("0003", 0.9, configuration="0001", epochs=9),
    ]
    assert ids(records) == ["0003", "0000"]


def test_of_equal_scores_the_one_with_more_epochs_comes_first():
    records = [trial_record("0000", 0.8, epochs=1), trial_record("0001", 0.8, epochs=9)]
    assert ids(records) == ["0001", "0000"]


def test_a_record_of_an_older_version_tells_a_baseline_by_its_number(run):
    run_config(families=("cnn", "xception")).save(run)
    for number in range(3):
        trial_record(f"{number:04}").save(run)
        path = run.trials / f"{number:04}.json"
        values = json.loads(path.read_text())
        del values["baseline"]
        path.write_text(json.dumps(values))
    assert [record.baseline for record in load_records(run)] == [True, True, False]


@pytest.mark.parametrize("status", [STOPPED, FAILED])
def test_an_attempt_adds_its_time_and_leaves_what_earlier_ones_reached(status):
    before = trial_record(score=0.5, status=STOPPED, seconds=10.0, step_seconds=4.0)
    stopped = before.with_result(TrialResult(status=status, seconds=2.0))
    assert (stopped.seconds, stopped.score, stopped.history) == (12.0, 0.5, before.history)
    done = before.with_result(TrialResult(status=COMPLETED, score=0.7, step_seconds=1.0))
    assert (done.score, done.history, done.step_seconds) == (0.7, [], 5.0)
    assert done.spec == before.spec


def test_no_two_configurations_have_one_title():
    first, second = trial_record("0007"), trial_record("0012")
    assert first.title.startswith("0007 cnn 8 filters")
    assert first.title[4:] == second.title[4:]
    again = trial_record("0020", configuration="0007", rung=1)
    assert again.title == first.title
    assert trial_record("0007", images=200).title == f"{first.title}, 200 images"


def test_a_trial_that_diverged_has_no_accuracy():
    for status, accuracy in ((COMPLETED, 0.75), (FAILED, 0.75), (DIVERGED, None)):
        assert trial_record("0000", 0.75, status=status).accuracy == accuracy


def test_the_place_of_a_trial_names_only_what_it_has():
    known = {"tuner/trial_id": "0003", "tuner/images": 8, "tuner/origin": "drawn"}
    record = trial_record(parent="0003", images=8, origin="drawn")
    assert record.place().items() >= known.items()
    assert not set(trial_record().place()) & set(known)
