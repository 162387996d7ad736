import io
import time

import pytest
from rich.console import Console
from searching import VALUES, trial_record

from search.algorithms.plan import Plan, Rung
from search.evaluation.objective import objective_named
from search.observers.display import LiveDisplay, PlainDisplay, make_display
from search.observers.pace import Pace
from search.observers.scoreboard import Scoreboard, outcome
from search.process.console import SafeConsole
from search.run_folder.records import DIVERGED, FAILED
from search.trial.messages import Progress


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def board(*records):
    """Of a plan of 10 trials of 2 epochs."""
    return Scoreboard(
        Pace(Plan((Rung(0, 10, 0, 2),)), trials_done=len(records), started=time.monotonic()),
        list(records),
        objective=objective_named("val_accuracy"),
    )


def running(trial_id="0000", **fields):
    return trial_record(trial_id, None, status="running", epochs=2, **fields)


def epoch_done(trial_id, epoch=0):
    return Progress(trial_id, epoch, 4, 4, logs={"val_accuracy": 0.5})


def plain():
    stream = io.StringIO()
    return PlainDisplay(board(), SafeConsole(file=stream, width=60)), stream


def test_a_plain_line_says_which_trial_what_came_out_the_best_and_the_time_left(clock):
    display, stream = plain()
    with display:
        display.trial_started(running())
        clock(10)
        display.progress(epoch_done("0000"))
        display.trial_finished(trial_record("0000", 0.8125, seconds=10.0))
    (line,) = stream.getvalue().splitlines()
    for part in (
        "trial 1 of 10",
        "cnn 8 filters, 2 blocks",
        "val_accuracy 0.8125",
        "(10 s)",
        "best 0.8125",
        "3 min 10 s left",
    ):
        assert part in line


def test_where_the_number_of_trials_is_open_none_is_said():
    state = board()
    state.pace.open_ended = True
    assert state.title() == "trial 1"
    state.trial_started(running("0000"))
    state.trial_started(running("0001"))
    assert state.title() == "trials 1–2"


def test_the_best_stays_when_a_worse_trial_ends():
    display, stream = plain()
    for trial_id, score in (("0000", 0.75), ("0001", 0.5)):
        display.trial_started(running(trial_id))
        display.trial_finished(trial_record(trial_id, score))
    last = stream.getvalue().splitlines()[-1]
    assert "trial 2 of 10" in last
    assert "val_accuracy 0.5000" in last
    assert "best 0.7500" in last


@pytest.mark.parametrize("status", [FAILED, DIVERGED])
def test_a_plain_line_says_why_there_is_no_score(status):
    display, stream = plain()
    display.trial_started(running())
    display.trial_finished(trial_record("0000", None, status=status, reason="[loss] is nan"))
    assert f"{status}: [loss] is nan" in stream.getvalue()
    assert "best –" in stream.getvalue()


def panel(display, width=100):
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(display.render())
    return console.export_text()


def live(*records, height=30):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=height)
    return LiveDisplay(board(*records), console)


def test_a_score_on_a_part_of_the_images_says_on_how_many(clock):
    probe = {"family": "probe", "probe/backbone": "mobilenet_v2", "probe/image_size": 160}
    record = trial_record("0000", 0.5, values=probe, images=200)
    display, stream = plain()
    display.trial_started(record)
    display.trial_finished(record)
    assert "probe mobilenet_v2, 160 px, 200 images" in " ".join(stream.getvalue().split())
    assert "160 px, 200 images" in panel(live(record))


def test_the_panel_says_what_is_done_before_training(clock):
    display = live()
    display.trial_started(running("0001"))
    display.progress(Progress("0001", 0, 3, 4, before="computing features"))
    assert "computing features: 75%" in panel(display)


def test_the_panel_shows_trial_configuration_epoch_step_best_and_time_left(clock):
    display = live(trial_record("0000", 0.875))
    display.trial_started(running("0001"))
    clock(30)
    display.progress(epoch_done("0001"))
    display.progress(Progress("0001", 1, 2, 4))
    text = panel(display)
    for part in (
        "trial 2 of 10",
        "cnn 8 filters, 2 blocks, adam 1.0e-3",
        "epoch 2 of 2",
        "step 2 of 4",
        "1.  0.8750",
        "gone",
        "6 min 10 s left",
    ):
        assert part in text, text


def test_the_panel_shows_every_running_trial_and_where_each_is():
    display = live(trial_record("0000", 0.875))
    for number, blocks in ((1, 2), (2, 3), (3, 4)):
        values = VALUES | {"cnn/blocks": blocks}
        display.trial_started(running(f"000{number}", values=values))
    display.progress(Progress("0001", 1, 2, 4))
    display.progress(Progress("0003", 0, 3, 4, before="computing features"))
    lines = panel(display).splitlines()
    assert "trials 2–4 of 10" in lines[0]
    for line, (blocks, where) in zip(
        lines[1:4],
        ((2, "epoch 2 of 2, step 2 of 4"), (3, "building"), (4, "computing features: 75%")),
        strict=True,
    ):
        assert f"{blocks} blocks" in line
        assert where in line


def test_a_trial_that_has_ended_is_no_longer_shown_as_running():
    display = live()
    for trial_id in ("0000", "0001"):
        display.trial_started(running(trial_id))
        display.progress(Progress(trial_id, 0, int(trial_id) + 1, 4))
    display.trial_finished(trial_record("0000", 0.5))
    text = panel(display)
    assert "step 1 of 4" not in text
    assert "step 2 of 4" in text
    display.trial_finished(trial_record("0001", 0.5))
    assert "0%" in panel(display).splitlines()[1], "no line is left empty"


def test_a_trial_that_begins_anew_is_building_again():
    display = live()
    display.trial_started(running())
    display.progress(Progress("0000", 0, 3, 4))
    display.trial_started(running())
    assert "building" in panel(display)


def test_more_running_trials_than_the_terminal_has_lines_leave_room_for_the_rest():
    records = [trial_record(f"000{number}", number / 10) for number in range(1, 4)]
    failed = trial_record("0004", None, status=FAILED, reason="out of memory")
    display = live(*records, failed, height=16)
    for number in range(20):
        display.trial_started(running(f"01{number:02}"))
    lines = panel(display).rstrip().splitlines()
    assert len(lines) <= 16
    assert "and 13 more" in "\n".join(lines)
    assert "last: out of memory" in lines[-2]


def test_the_panel_says_where_the_time_went_where_there_is_room():
    records = [
        trial_record("0000", 0.5, seconds=40.0, origin="race"),
        trial_record("0001", 0.75, seconds=70.0, origin="random"),
    ]
    lines = [line.strip("│ ").split() for line in panel(live(*records)).splitlines()]
    assert ["race", "of", "backbones", "40", "s", "1", "tried", "best", "0.5000"] in lines
    assert ["at", "random", "1", "min", "10", "s", "1", "tried", "best", "0.7500"] in lines
    assert "race of backbones" not in panel(live(*records, height=12))
    assert "at random" in panel(live(*records, height=14))


def test_the_panel_says_what_is_going_on_before_anything_is_measured():
    display = live()
    assert "starting" in panel(display)
    display.trial_started(running())
    text = panel(display)
    assert "building" in text
    assert "time left not known yet" in text


def test_the_panel_lists_the_best_three_and_the_last_failure():
    records = [trial_record(f"000{number}", number / 10) for number in range(1, 6)]
    failed = trial_record("0007", None, status=FAILED, reason="out of memory")
    text = panel(live(*records, failed))
    assert text.index("0.5000") < text.index("0.4000") < text.index("0.3000")
    assert "0.2000" not in text
    assert "last: out of memory" in text


def test_names_with_brackets_are_shown_and_not_obeyed():
    failed = trial_record("0000", None, status=FAILED, reason="shape [/red] [None, 3]")
    assert "shape [/red] [None, 3]" in panel(live(failed))


def test_the_panel_fits_a_narrow_terminal():
    display = live(trial_record("0000", 0.5, values=VALUES))
    for trial_id in ("0001", "0002"):
        display.trial_started(running(trial_id))
    assert all(len(line) <= 50 for line in panel(display, width=50).splitlines())


def test_the_live_display_is_for_terminals_only():
    terminal = Console(file=io.StringIO(), force_terminal=True)
    file = Console(file=io.StringIO())
    assert isinstance(make_display(board(), terminal), LiveDisplay)
    assert isinstance(make_display(board(), file), PlainDisplay)


def test_the_live_display_starts_and_stops_around_the_search():
    stream = io.StringIO()
    with make_display(board(), Console(file=stream, force_terminal=True, width=80)) as display:
        display.trial_started(running())
        display.trial_finished(trial_record("0000", 0.5))
    assert "trial 2 of 10" in stream.getvalue()


def test_the_line_of_a_trial_that_was_ended_early_says_why():
    record = trial_record("0000", 0.5, stopped_early="below the median of 5 others after 2 epochs")
    line = outcome(record, "val_accuracy")
    assert line.startswith("val_accuracy 0.5000")
    assert "stopped early: below the median" in line


def test_the_line_of_an_interrupted_trial_promises_no_score():
    assert "resume" in outcome(running("0000"), "val_accuracy")


@pytest.mark.parametrize(
    ("done", "trials", "words"),
    [
        (1, None, "1 trial is finished"),
        (2, None, "2 trials are finished"),
        (0, 6, "0 of 6 trials are finished"),
    ],
)
def test_what_is_finished_is_said_of_one_and_of_many(done, trials, words):
    plan = Plan((Rung(0, trials or 10, 0, 2),))
    pace = Pace(plan, 60.0, open_ended=trials is None, trials_done=done)
    board = Scoreboard(pace, [], objective=objective_named("val_accuracy"))
    assert board.finished_in_words() == words
