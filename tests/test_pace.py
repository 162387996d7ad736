import time

import pytest
from searching import trial_record

from search.algorithms.plan import Plan, Rung
from search.observers.pace import Pace
from search.run_folder.records import STOPPED
from search.trial.messages import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when told to."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def pace(**options):
    """Of a plan of 10 trials of 2 epochs."""
    return Pace(Plan((Rung(0, 10, 0, 2),)), started=time.monotonic(), **options)


def epoch_done(trial_id="0000"):
    return Progress(trial_id, 0, 4, 4, logs={"val_accuracy": 0.5})


def test_nothing_is_promised_before_anything_is_measured(clock):
    fresh = pace()
    clock(5)
    assert fresh.seconds_left() is None
    assert fresh.share == 0


def test_the_time_left_follows_from_the_epochs_so_far(clock):
    running = pace()
    for _ in range(5):
        clock(10)
        running.step(epoch_done())
    assert running.share == pytest.approx(5 / 20)
    assert running.seconds_left() == pytest.approx(150)


def test_half_an_epoch_counts_as_half(clock):
    running = pace()
    clock(5)
    running.step(Progress("0000", 0, 2, 4))
    assert running.share == pytest.approx(0.5 / 20)
    assert running.seconds_left() == pytest.approx(19.5 * 10)


def test_the_shares_of_all_running_trials_count_whoever_reports_last(clock):
    several = Pace(Plan((Rung(0, 4, 0, 1),)), started=time.monotonic())
    for trial_id, step in (("0000", 9), ("0001", 1), ("0002", 9)):
        several.began(trial_record(trial_id, None))
        several.step(Progress(trial_id, 0, step, 10))
    several.step(epoch_done("0003"))
    several.finished(trial_record("0003"))
    several.step(Progress("0001", 0, 1, 10))
    assert several.share == pytest.approx(0.725)
    clock(29)
    assert several.seconds_left() == pytest.approx(11)


@pytest.mark.parametrize("ending", ["finished", "began"])
def test_a_trial_that_was_stopped_or_begins_anew_leaves_no_share(ending):
    running = pace()
    running.step(Progress("0000", 0, 2, 4))
    getattr(running, ending)(trial_record("0000", None, status=STOPPED))
    assert running.share == 0


def test_the_time_left_is_never_more_than_the_limit_leaves(clock):
    limited = pace(limit=60.0)
    clock(10)
    assert limited.seconds_left() == pytest.approx(50)
    limited.step(epoch_done())
    assert limited.seconds_left() == pytest.approx(50)
    clock(100)
    assert limited.seconds_left() == 0


def test_epochs_of_an_earlier_session_count_as_done_but_not_as_measured(clock):
    resumed = pace(trials_done=5, epochs_done=10)
    assert resumed.share == pytest.approx(0.5)
    clock(3)
    resumed.step(epoch_done())
    assert resumed.seconds_left() == pytest.approx(9 * 3)


def test_a_stopped_trial_is_not_counted_as_done():
    running = pace()
    running.finished(trial_record())
    running.finished(trial_record("0001", status=STOPPED))
    assert running.trials_done == 1


def test_what_is_done_before_training_counts_as_no_epoch():
    running = pace()
    running.step(Progress("0000", 0, 3, 4, before="computing features"))
    assert running.share == 0


def test_epochs_that_an_early_end_saved_count_as_done():
    running = pace()
    running.step(epoch_done())
    record = trial_record("0000", 0.5, epochs=4, stopped_early="cannot win")
    running.finished(record)
    assert running.epochs_done == 4


def test_of_an_open_ended_search_the_time_limit_alone_says_how_much_is_left(clock):
    endless = pace(limit=100.0, open_ended=True)
    assert (endless.trials, endless.seconds_left(), endless.share) == (None, 100.0, 0.0)
    clock(25)
    for _ in range(10):  # by its epochs half of the plan would be done
        endless.step(epoch_done())
    assert (endless.seconds_left(), endless.share) == (75.0, 0.25)
    clock(100)
    assert (endless.seconds_left(), endless.share) == (0.0, 1.0)
