"""Which trials are ended before their last epoch."""

import numpy as np
import pytest
from searching import epoch_logs, trial_record
from small_trials import assert_same_state, elsewhere, fresh, go_on, run_trial, state_of, values_for

from search.evaluation.objective import OBJECTIVES
from search.run_folder.records import COMPLETED, FAILED
from search.trial import early_stop
from search.trial.early_stop import EarlyStop, peer_curves

TARGETS = np.array([0] * 50 + [1] * 50, np.int32)
STEPS = early_stop.CHANCE_STEPS  # in one epoch already


def record_of(number, *scores, **changes):
    history = [epoch_logs(epoch, score) for epoch, score in enumerate(scores)]
    fields = {"score": max(scores), "history": history, "epochs": len(scores)}
    return trial_record(f"{number:04}", **(fields | changes))


def rule(*records):
    return EarlyStop.against(peer_curves(records, "0099"), TARGETS)


def verdict(early_stop, *scores, steps=STEPS, promoted=False):
    history = [epoch_logs(epoch, score) for epoch, score in enumerate(scores)]
    return early_stop.reason(history, steps_per_epoch=steps, promoted=promoted)


def test_no_better_than_chance_while_another_is_ends_a_trial():
    reason = verdict(rule(record_of(0, 0.9)), 0.5, 0.52)
    assert "chance" in reason
    assert str(2 * STEPS) in reason


def test_no_better_than_chance_is_borne_while_nobody_is():
    assert verdict(rule(record_of(0, 0.52, 0.51)), 0.5, 0.5) == ""


def test_chance_allows_for_how_few_images_there_are():
    better = rule(record_of(0, 0.9))
    assert verdict(better, 0.5, 0.595)  # 2 deviations of 100 images: 0.1
    assert not verdict(better, 0.5, 0.605)
    assert not verdict(better, 0.605, 0.5)


def test_a_mean_of_shares_may_be_a_little_above_one():
    peers = [record_of(number, 0.9, 0.9) for number in range(6)]
    assert verdict(rule(*peers), 0.9, 1.0000000000000002) == ""


def test_by_the_area_under_the_curve_nobody_is_ended_for_a_median_of_accuracies():
    peers = [record_of(number, 0.9, 0.9) for number in range(6)]
    assert "median" in verdict(rule(*peers), 0.7, 0.7)
    curves = peer_curves(peers, "0099", OBJECTIVES["val_auc"])
    by_area = EarlyStop.against(curves, TARGETS, OBJECTIVES["val_auc"])
    assert verdict(by_area, 0.7, 0.7) == ""
    assert "chance" in verdict(by_area, 0.5, 0.5)
    by_loss = EarlyStop.against(curves, TARGETS, OBJECTIVES["val_loss"])
    assert "median" in verdict(by_loss, 0.7, 0.7)


def test_chance_ends_a_promoted_trial_too():
    assert verdict(rule(record_of(0, 0.9)), 0.5, 0.5, promoted=True)


def test_nobody_is_judged_by_one_epoch_or_a_few_steps():
    better = rule(record_of(0, 0.9))
    assert not verdict(better, 0.5, steps=100 * STEPS)
    assert not verdict(better, 0.5, 0.5, steps=STEPS // 2 - 1)


def peers(*curves):
    return [record_of(number, *curve) for number, curve in enumerate(curves)]


CURVES = [(0.6, 0.85), (0.6, 0.88), (0.6, 0.9), (0.6, 0.92), (0.6, 0.95)]


def test_clearly_below_the_median_of_enough_others_ends_a_trial():
    enough = rule(*peers(*CURVES))
    # 2 deviations of an accuracy of 0.8 on 100 images: 0.08.
    assert "median of 5" in verdict(enough, 0.7, 0.81, steps=1)
    assert not verdict(enough, 0.7, 0.83, steps=1)
    assert not verdict(rule(*peers(*CURVES[1:])), 0.6, 0.7, steps=1)


def test_who_was_promoted_is_not_ended_for_a_median():
    assert not verdict(rule(*peers(*CURVES)), 0.6, 0.7, steps=1, promoted=True)


def test_others_are_compared_at_the_same_epoch_and_by_their_best_until_then():
    enough = rule(*peers(*[(0.6, 0.5, 0.9)] * 5))
    assert not verdict(enough, 0.5, 0.59, steps=1)
    assert verdict(enough, 0.5, 0.6, 0.7, steps=1)
    assert not verdict(rule(*peers(*[(0.9,)] * 5)), 0.1, 0.1, steps=1)


def test_a_configuration_is_not_its_own_rival_and_failures_are_none():
    own = record_of(99, 0.9, 0.9)
    failed = record_of(1, 0.9, 0.9, status=FAILED, history=[])
    assert not verdict(rule(own, failed), 0.5, 0.5)


def test_rungs_of_one_configuration_are_one_curve():
    first = record_of(0, 0.6, 0.7)
    later = trial_record(
        "0050", configuration="0000", initial_epoch=2, epochs=3, history=[epoch_logs(2, 0.9)]
    )
    others = peers(*[(0.6, 0.7, 0.9)] * 5)[1:]
    assert "of 5" in verdict(rule(first, later, *others), 0.5, 0.5, 0.6, steps=1)


@pytest.fixture
def hopeless(scratch, tmp_path, monkeypatch):
    """(experiment, values) of a trial that would be ended after two epochs."""
    from dataclasses import replace

    monkeypatch.setattr(early_stop, "MIN_PEERS", 1)
    experiment = elsewhere(scratch, tmp_path)
    experiment = replace(experiment, config=replace(experiment.config, early_stop=True))
    record_of(7, 1.0, 1.0, 1.0).save(experiment.run)
    return experiment, values_for(experiment, "cnn", learning_rate=1e-6)


def test_a_trial_that_is_ended_early_is_finished_with_the_score_it_has(hopeless):
    experiment, values = hopeless
    done = run_trial(experiment, fresh(values=values, epochs=6), go_on)
    assert (done.status, done.reason) == (COMPLETED, "")
    assert "median" in done.stopped_early
    assert len(done.history) == 2
    assert done.score == max(logs["val_accuracy"] for logs in done.history)
    assert experiment.run.predictions("0000").exists()


def test_one_that_is_promoted_all_the_same_goes_on_where_it_ended(hopeless, monkeypatch):
    experiment, values = hopeless
    run_trial(experiment, fresh(values=values, epochs=6), go_on)
    assert state_of(experiment).epoch == 2
    monkeypatch.setattr(early_stop, "MIN_PEERS", 99)
    promoted = fresh("0001", values=values, initial_epoch=6, epochs=8, parent="0000", rung=1)
    done = run_trial(experiment, promoted, go_on)
    assert [logs["epoch"] for logs in done.history] == [6, 7]
    assert state_of(experiment, "0001").epoch == 8


def test_without_early_stop_every_trial_has_its_epochs(scratch, tmp_path, monkeypatch):
    monkeypatch.setattr(early_stop, "MIN_PEERS", 1)
    experiment = elsewhere(scratch, tmp_path)
    assert not experiment.config.early_stop
    record_of(7, 1.0, 1.0, 1.0).save(experiment.run)
    values = values_for(experiment, "cnn", learning_rate=1e-6)
    done = run_trial(experiment, fresh(values=values, epochs=4), go_on)
    assert (len(done.history), done.stopped_early) == (4, "")


def test_one_killed_before_its_record_was_written_ends_where_it_would_have(hopeless, tmp_path):
    experiment, values = hopeless
    whole = run_trial(experiment, fresh(values=values, epochs=6), go_on)
    saved = state_of(experiment)
    # The training state is there, and the record says that the trial runs: as after a kill.
    again = run_trial(experiment, fresh(values=values, epochs=6), go_on)
    assert (again.history, again.stopped_early) == (whole.history, whole.stopped_early)
    assert (again.status, again.score, again.best_epoch) == (COMPLETED, whole.score, 0)
    assert_same_state(state_of(experiment), saved)


def test_peers_are_other_configurations_that_finished_with_all_their_rungs():
    records = [
        record_of(1, 0.5, 0.6),
        record_of(2, 0.1, configuration="0001", history=[epoch_logs(2, 0.7)], parent="0001"),
        record_of(3, 0.9, status="running"),
        record_of(4, 0.8),
    ]
    assert peer_curves(records, "0004") == (((0, 0.5), (1, 0.6), (2, 0.7)),)


def test_a_peer_counts_only_where_it_has_the_epoch():
    """Ended early and promoted all the same, it has no third and fourth epoch."""
    gap = [epoch_logs(epoch, score) for epoch, score in ((0, 0.5), (1, 0.52), (6, 0.8), (7, 0.85))]
    early_stop = rule(*(record_of(number, 0.85, history=gap) for number in range(5)))
    assert verdict(early_stop, *[0.65] * 4) == ""
    assert "below the median of 5" in verdict(early_stop, *[0.65] * 8)
    assert verdict(early_stop, *[0.8] * 8) == ""


UNEQUAL = np.array([0] * 90 + [1] * 10, np.int32)
BALANCED = OBJECTIVES["val_balanced_accuracy"]


def balanced(number, *scores, accuracy=0.5):
    """A record by balanced accuracy, whose accuracy is another."""
    history = [
        epoch_logs(epoch, accuracy) | {BALANCED.name: score} for epoch, score in enumerate(scores)
    ]
    return record_of(number, *scores, history=history)


def test_where_classes_count_the_same_their_mean_recall_is_judged_and_not_accuracy():
    records = [balanced(0, 0.9, 0.9, accuracy=0.95)]
    curves = peer_curves(records, "0099", BALANCED)
    assert curves == (((0, 0.9), (1, 0.9)),)
    early_stop = EarlyStop.against(curves, UNEQUAL, BALANCED)
    assert (early_stop.chance, early_stop.images) == (0.5, pytest.approx(4 / (1 / 90 + 1 / 10)))

    def judged(value, accuracy):
        history = balanced(1, value, value, accuracy=accuracy).history
        return early_stop.reason(history, steps_per_epoch=STEPS)

    assert judged(0.85, accuracy=0.84) == ""  # always naming the largest class has 0.9
    assert "chance" in judged(0.5, accuracy=0.9)
