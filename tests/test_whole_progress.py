"""An export as one line of progress: its parts in order, and what they are estimated to take."""

import math

import pytest
from finished_runs import finished_run
from recorded_progress import Recorded

from search.export import whole_progress
from search.export.whole_progress import (
    RETRAINING,
    TESTING,
    TRAINING_AGAIN,
    WRITING,
    as_one,
    part_seconds,
)
from search.run_folder.record_files import load_records
from search.selection.choosing_estimate import seconds_once_more
from search.selection.export_estimate import SECONDS_PER_FORMAT, export_parts

SECONDS = {TRAINING_AGAIN: 60.0, RETRAINING: 20.0, WRITING: 15.0, TESTING: 5.0}


def test_parts_add_up_to_one_line_that_never_goes_back():
    shown = Recorded()
    with as_one(shown, SECONDS) as progress:
        with progress.task(TRAINING_AGAIN) as task:
            task.update(1, 2, "computing features")
        with progress.task(RETRAINING) as task:
            task.update(3, 4)
        progress.warning("slow")
        with progress.task("something else") as task:
            task.update(1, 2)
        with progress.task(WRITING) as task:
            task.update(0, 3, "writing keras")
        with progress.task(TESTING):
            pass
    assert shown.tasks == ["exporting"]
    assert shown.lines == ["exporting: about 2 min", "warning: slow"]
    done = [done for done, _, _ in shown.updates]
    assert done == [0, 30, 60, 60, 75, 80, 80, 80, 80, 80, 80, 95, 95, 100]
    assert {total for _, total, _ in shown.updates} == {100.0}
    said = [words for _, _, words in shown.updates if words]
    assert said == [
        TRAINING_AGAIN,
        "computing features",
        RETRAINING,
        "something else",
        WRITING,
        "writing keras",
        TESTING,
    ]


def test_what_it_takes_is_said_once_also_where_the_first_part_takes_nothing():
    shown = Recorded()
    with as_one(shown, {**SECONDS, TRAINING_AGAIN: 0.0}) as progress:
        for name in (TRAINING_AGAIN, RETRAINING):
            with progress.task(name):
                pass
    assert shown.lines == ["exporting: about 40 s"]


@pytest.mark.parametrize("way", ["message", "warning"])
def test_what_it_takes_is_said_before_anything_else_and_not_where_nothing_is_done(way):
    shown = Recorded()
    with as_one(shown, SECONDS) as progress:
        assert shown.lines == []
        getattr(progress, way)("words")
    assert shown.lines[0] == "exporting: about 2 min"
    assert shown.lines[1].endswith("words")


def test_a_part_that_is_left_out_counts_as_done():
    shown = Recorded()
    with as_one(shown, SECONDS) as progress, progress.task(RETRAINING) as task:
        task.update(5, 0)  # of nothing all is done
    assert [done for done, _, _ in shown.updates] == [60, 80, 80]


@pytest.fixture
def run(scratch, tmp_path):
    """Two configurations of two epochs in one second each, trained on 14 images of 20."""
    return finished_run(scratch, tmp_path, [("cnn", 0.5), ("cnn", 0.7)])


def test_the_estimate_is_that_of_the_best_few(run, monkeypatch):
    two = {"formats": ("litert", "onnx")}
    parts = export_parts(max(load_records(run.run), key=lambda r: r.score), run, **two)
    found = part_seconds(run, **two, top=3, seeds=3, until=math.inf)
    assert list(found) == [TRAINING_AGAIN, RETRAINING, WRITING, TESTING]
    assert found[TRAINING_AGAIN] == pytest.approx(6.0)  # both, three times
    assert list(found.values())[1:] == pytest.approx(list(parts))
    none = part_seconds(run, **two, top=3, seeds=0, until=math.inf)
    assert none[TRAINING_AGAIN] == 0.0
    monkeypatch.setattr(whole_progress.time, "monotonic", lambda: 100.0)
    for until, seconds in ((104.0, 4.0), (90.0, 0.0)):
        short = part_seconds(run, **two, top=3, seeds=3, until=until)
        assert short[TRAINING_AGAIN] == pytest.approx(seconds)


def test_nothing_is_trained_again_where_there_is_nothing_to_choose(scratch, tmp_path):
    one = finished_run(scratch, tmp_path, [("cnn", 0.5)])
    found = part_seconds(one, formats=(), top=3, seeds=3, until=math.inf)
    assert found[TRAINING_AGAIN] == 0.0


def test_a_probe_of_a_part_of_the_images_is_measured_on_all_once(run, monkeypatch):
    probe = max(load_records(run.run), key=lambda record: record.score)
    probe = probe.with_outcome(values={"family": "probe"}, images=4, seconds=7.0)
    for records in ([probe], [probe, probe.with_outcome(configuration="9")]):
        monkeypatch.setattr(whole_progress, "load_records", lambda _, records=records: records)
        once = seconds_once_more(probe, run)
        for seeds in (0, 3):
            found = part_seconds(run, formats=(), top=3, seeds=seeds, until=math.inf)
            count = 1 if seeds == 0 else len(records)
            assert found[TRAINING_AGAIN] == pytest.approx(count * once)
            assert once > 0


def test_a_quantised_file_may_be_written_twice_and_is_asked_one_image_at_a_time(run, monkeypatch):
    monkeypatch.setattr("search.selection.export_estimate.pace", lambda: 1.0)
    plain = part_seconds(run, formats=("litert",), top=3, seeds=0, until=math.inf)
    int8 = part_seconds(run, formats=("litert-int8",), top=3, seeds=0, until=math.inf)
    assert int8[WRITING] == pytest.approx(plain[WRITING] + SECONDS_PER_FORMAT)
    assert int8[TESTING] == pytest.approx(2 * plain[TESTING])
