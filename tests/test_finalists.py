"""The best few, trained again: who they are, how often, and what is kept of it."""

from dataclasses import replace

import numpy as np
import pytest
from finished_runs import finished_run, made_up
from recorded_progress import Recorded
from stopping import NEVER, StopWhen

from search.process.progress import Silent
from search.run_folder.record_files import load_records
from search.selection import choosing_estimate
from search.selection import finalists as module
from search.selection.candidates import candidates
from search.selection.finalists import (
    compared,
    ensemble,
    train_again,
)
from search.trial.retrain import DivergedError

QUIET = Silent()
FIVE = [("cnn", 0.5), ("xception", 0.6), ("cnn", 0.9), ("cnn", 0.8), ("xception", 0.7)]


@pytest.fixture
def run(scratch, tmp_path):
    """Five configurations; the first two are what the search began with."""
    return finished_run(scratch, tmp_path, FIVE)


def names(found):
    """Ids of configurations, of records or finalists."""
    return [getattr(one, "record", one).configuration for one in found]


def asked(run, top, fits=lambda record: True, judged_on=6):
    return candidates(load_records(run.run), run.config, top=top, fits=fits, judged_on=judged_on)


def test_the_best_and_each_familys_best_known_good_are_candidates(run):
    found = asked(run, 2)
    assert names(found) == ["0002", "0003", "0001", "0000"]
    assert [record.baseline for record in found] == [False, False, True, True]


def test_of_the_known_good_of_one_family_only_the_best_is_a_candidate(run):
    for record in load_records(run.run)[:4]:
        record.with_outcome(baseline=True).save(run.run)
    found = asked(run, 1)
    assert names(found) == ["0002", "0001"]  # and neither 0003 nor 0000, which are CNNs too


def test_only_what_fits_is_a_candidate_and_no_more_than_needed_is_asked(run):
    seen = []

    def fits(record):
        seen.append(record.configuration)
        return record.configuration != "0002"

    assert names(asked(run, 1, fits)) == ["0003", "0001", "0000"]
    assert "0004" not in seen


def test_a_configuration_without_a_score_is_none(run):
    record = load_records(run.run)[2]
    record.with_outcome(score=None, status="failed", history=[]).save(run.run)
    assert "0002" not in names(asked(run, 5))


@pytest.fixture
def trainings(monkeypatch):
    """In place of training: made-up predictions, by configuration; counts what is asked for."""
    made = {}
    counted = []

    def repeat(experiment, record, number, kept, part):
        name = record.configuration
        counted.append((name, number))
        part.steps(1, 1)
        answer = made[name]
        if isinstance(answer, type) and issubclass(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(module, "_repeat", repeat)
    return made, counted


@pytest.fixture
def many(run):
    """The same run with 200 validation images, so that differences can be told from chance."""
    rows = np.resize(run.validation, 200)
    return replace(run, validation=rows)


def trained(run, stop=NEVER, seeds=3):
    return train_again(run, asked(run, 2), seeds=seeds, stop=stop, progress=QUIET)


def test_what_is_clearly_behind_is_trained_twice_and_keeps_its_place(many, trainings):
    made, counted = trainings
    for name, score in (("0002", 0.9), ("0003", 0.89), ("0001", 0.3), ("0000", 0.2)):
        made[name] = made_up(many, score)
    found = {finalist.record.configuration: finalist for finalist in trained(many)}
    assert [len(found[name].predictions) for name in ("0002", "0003", "0001", "0000")] == [
        *(3, 3, 2, 2)
    ]
    assert [number for name, number in counted if name == "0002"] == [1, 2, 3]
    assert found["0002"].comparison.as_good
    assert not found["0001"].comparison.as_good
    assert found["0001"].comparison.behind == pytest.approx(0.6)


@pytest.mark.parametrize(("left", "rounds"), [(3.0, 1), (5.0, 2), (100.0, 3)])
def test_a_round_that_would_last_longer_than_there_is_time_is_not_begun(
    many, trainings, monkeypatch, left, rounds
):
    made, counted = trainings
    for name in ("0002", "0003", "0001", "0000"):
        made[name] = made_up(many, 0.8)
    now, repeat = [50.0], module._repeat

    def slowly(*arguments):
        now[0] += 1.0  # so that a round takes four seconds, whatever the search said
        return repeat(*arguments)

    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "_repeat", slowly)
    after_one = 54.0 + left
    train_again(many, asked(many, 2), seeds=3, until=after_one, stop=NEVER, progress=QUIET)
    assert max(number for _, number in counted) == rounds


def test_what_training_again_takes_is_said_where_there_is_any(many, trainings, monkeypatch):
    made, _ = trainings
    for name in ("0002", "0003", "0001", "0000"):
        made[name] = made_up(many, 0.8)
    for place in (module, choosing_estimate):
        monkeypatch.setattr(place, "seconds_once_more", lambda record, experiment: 10.0)

    def said(*records):
        sink = Recorded()
        train_again(many, records, seeds=2, stop=NEVER, progress=sink)
        return sink.text

    records = asked(many, 2)
    both = said(*records[:2])
    assert both == "training the best 2 again with up to 2 other seeds each: at most 40 s"
    solved = [r.with_outcome(values={"family": "probe"}) for r in records[:2]]
    assert said(*solved) == ""  # another seed changes nothing, and all images were seen
    partial = solved[0].with_outcome(images=8)
    assert said(partial) == "measuring the best on all images to validate on: at most 10 s"


def test_a_known_good_one_that_is_far_behind_is_not_trained_again(run):
    """One is 0.4 behind the leader; five standard errors are 0.4 of 39 images, and 0.395 of 40."""
    assert names(asked(run, 2, judged_on=39)) == ["0002", "0003", "0001", "0000"]
    assert names(asked(run, 2, judged_on=40)) == ["0002", "0003", "0001"]
    # The best of them is, however far behind: what the search has gained is measured by it.
    assert names(asked(run, 2, judged_on=10_000)) == ["0002", "0003", "0001"]


def test_what_diverges_is_out_and_the_others_go_on(many, trainings):
    made, counted = trainings
    for name in ("0003", "0001", "0000"):
        made[name] = made_up(many, 0.8)
    made["0002"] = DivergedError
    found = trained(many)
    assert "0002" not in names(found)
    assert [len(finalist.predictions) for finalist in found] == [3, 3, 3]
    assert counted.count(("0002", 2)) == 0


def test_predictions_that_are_no_numbers_are_a_divergence_and_not_kept(
    scratch, tmp_path, monkeypatch
):
    from search.trial.training import Training

    run = finished_run(scratch, tmp_path, [("cnn", 0.5)])
    monkeypatch.setattr(Training, "validate", lambda *_: np.full((6, 2), np.nan, np.float32))
    assert train_again(run, asked(run, 1), seeds=1, stop=NEVER, progress=QUIET) == []
    assert not run.run.repeat("0000", 2, 1).exists()


def test_further_trainings_are_kept_and_not_made_again(scratch, tmp_path, monkeypatch):
    run = finished_run(scratch, tmp_path, [("cnn", 0.5)])
    first = train_again(run, asked(run, 1), seeds=2, stop=NEVER, progress=QUIET)
    one, other = first[0].predictions
    assert one.shape == (6, 2)
    np.testing.assert_allclose(one.sum(axis=1), 1, atol=1e-5)
    assert not np.array_equal(one, other)  # another seed, another training

    monkeypatch.setattr(module, "train_epochs", None)  # would raise if it were called
    again = train_again(run, asked(run, 1), seeds=2, stop=NEVER, progress=QUIET)
    np.testing.assert_array_equal(again[0].predictions, first[0].predictions)


def test_ctrl_c_keeps_what_is_done(scratch, tmp_path):
    run = finished_run(scratch, tmp_path, [("cnn", 0.5)])
    stop_at = run.run.repeat("0000", 2, 1)
    with pytest.raises(KeyboardInterrupt):
        train_again(run, asked(run, 1), seeds=2, stop=StopWhen(stop_at.exists), progress=QUIET)
    assert [path.name for path in stop_at.parent.iterdir()] == ["0000-2-1.npy"]


def test_a_head_is_trained_again_on_the_features_it_was_searched_with(transfer, tmp_path):
    run = finished_run(transfer, tmp_path, [("transfer, frozen", 0.5)])
    found = train_again(run, asked(run, 1), seeds=1, stop=NEVER, progress=QUIET)
    assert found[0].predictions[0].shape == (6, 2)


def finalists_of(run, *trained):
    """Finalists of pairs of a record and its predictions."""
    records = [record for record, _ in trained]
    return compared(run, records, {record.configuration: some for record, some in trained})


def test_one_training_of_a_solved_model_is_enough_to_be_as_good(many):
    first, second = (
        record.with_outcome(values={**record.values, "family": "probe"})
        for record in load_records(many.run)[:2]
    )
    once, options = [made_up(many, 0.9)], {"within": 0.02}
    trained = {first.configuration: once, second.configuration: once}
    solved = compared(many, [first, second], trained, **options)
    assert [finalist.comparison.as_good for finalist in solved] == [True, True]
    searched = compared(many, load_records(many.run)[:2], trained, **options)
    assert [finalist.comparison.as_good for finalist in searched] == [True, False]


def test_the_mean_of_a_loss_is_a_loss(many):
    run = replace(many, config=replace(many.config, objective="val_loss"))
    records = load_records(many.run)[:2]
    given = [made_up(many, 0.9)], [made_up(many, 0.6)]
    found = finalists_of(run, *zip(records, given, strict=True))
    assert 0 < found[0].comparison.mean < found[1].comparison.mean
    assert found[1].comparison.behind > 0


def test_an_ensemble_can_be_right_where_each_member_is_wrong_now_and_then(run):
    targets = run.targets[run.validation]
    members = []
    for number, record in enumerate(load_records(run.run)[:3]):
        sure = np.full(6, 0.9)
        sure[2 * number : 2 * number + 2] = 0.4  # wrong on two images of its own
        rows = np.where(np.eye(2)[targets] > 0, sure[:, None], 1 - sure[:, None])
        members.append((record, [rows, rows]))
    found = ensemble(run, finalists_of(run, *members), top=3)
    assert found.members == ("0000", "0001", "0002")
    assert found.of_best == pytest.approx(4 / 6)
    assert found.value == 1.0


def test_one_configuration_makes_no_ensemble(run):
    (record, other, *_) = load_records(run.run)
    often, once = made_up(run, 0.5), made_up(run, 0.9)
    assert ensemble(run, finalists_of(run, (record, [often])), top=3) is None
    unequal = finalists_of(run, (record, [often, often]), (other, [once]))
    assert ensemble(run, unequal, top=3) is None


def test_of_cross_validated_probes_the_best_by_that_is_the_candidate(run):
    numbers = {"0002": 0.7, "0003": 0.8, "0004": 0.9}
    for record in load_records(run.run):
        if value := numbers.get(record.trial_id):
            record.best_logs["cross_validated"] = value
            record.with_outcome(values=record.values | {"family": "probe"}).save(run.run)
    assert names(asked(run, 1)) == ["0004", "0001", "0000"]
    assert names(asked(run, 3)) == ["0004", "0003", "0002", "0001", "0000"]


def test_a_probe_that_was_not_cross_validated_keeps_its_place(run):
    for record in load_records(run.run)[2:4]:
        record.with_outcome(values=record.values | {"family": "probe"}).save(run.run)
    record = load_records(run.run)[3]
    record.best_logs["cross_validated"] = 0.99
    record.save(run.run)
    assert names(asked(run, 1)) == ["0002", "0001", "0000"]
