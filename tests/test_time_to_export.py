"""What a search with `--then-export` keeps back of its time, and what the export does with it."""

import math
from dataclasses import replace

import pytest
from finished_runs import finished_run
from searching import epoch_logs

from search.cli import _run
from search.cli import export as exporting
from search.process import stop_signal
from search.process.stop_signal import StopSignal
from search.run_folder.record_files import load_records
from search.run_folder.records import CROSS_VALIDATED
from search.selection import choosing_estimate, export_estimate
from search.selection.choosing_estimate import (
    SECONDS_PER_COST,
    choosing_seconds,
    choosing_within,
)
from search.selection.export_estimate import (
    BUILDING_SECONDS,
    FIXED_SECONDS,
    SECONDS_PER_FORMAT,
    SECONDS_PER_IMAGE,
    SECONDS_PER_NETWORK,
    SEEN_IMAGES,
    TRACING_SECONDS,
    export_parts,
    export_seconds,
)
from search.trial.messages import Progress
from search.tuning import time_to_export
from search.tuning.time_to_export import TimeToExport


@pytest.fixture
def run(scratch, tmp_path):
    """Two configurations of two epochs in one second each, trained on 14 images of 20."""
    return finished_run(scratch, tmp_path, [("cnn", 0.5), ("cnn", 0.7)])


@pytest.fixture(autouse=True)
def of_reference(monkeypatch):
    """Estimates are those of a machine of this pace, wherever the tests run."""
    monkeypatch.setattr(export_estimate, "pace", lambda: 1.0)


@pytest.fixture
def clock(monkeypatch):
    """The time, as a test sets it."""
    now = [100.0]
    for module in (stop_signal, time_to_export, choosing_estimate):
        monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def best_of(run):
    return max(load_records(run.run), key=lambda record: record.score)


def replace_size(record, side):
    return record.with_outcome(values={**record.values, "probe/image_size": side})


def within(seconds, run):
    """Rounds of training again, and until when, from the 100 s that the clock says."""
    return choosing_within(100 + seconds, run, top=3, most=3)


def test_an_export_takes_its_files_its_tests_and_a_training_on_more_images(run):
    fixed = FIXED_SECONDS + SECONDS_PER_NETWORK
    known = fixed + SECONDS_PER_IMAGE * (SEEN_IMAGES + len(run.test))
    assert export_seconds(None, run) == pytest.approx(known)
    assert export_seconds(best_of(run), run) == pytest.approx(known + 20 / 14)
    two = replace(run, config=replace(run.config, formats=("litert", "onnx")))
    assert export_seconds(None, two) == pytest.approx(known + 2 * SECONDS_PER_FORMAT)


@pytest.mark.parametrize("pace", [0.75, 2.0])
def test_a_slower_machine_takes_longer_to_write_files(run, monkeypatch, pace):
    before = export_parts(None, run)
    monkeypatch.setattr(export_estimate, "pace", lambda: pace)
    assert export_parts(None, run).files - before.files == pytest.approx(
        (pace - 1.0) * (FIXED_SECONDS + SECONDS_PER_NETWORK)
    )
    assert export_parts(None, run).testing == before.testing


def test_what_is_kept_of_a_trial_takes_no_time_again(run):
    """Of ten seconds two were steps, for two epochs of which the second was the best."""
    record = best_of(run).with_outcome(seconds=12.0, step_seconds=2.0)
    extra = export_seconds(record, run) - export_seconds(None, run)
    assert extra == pytest.approx(2 * 20 / 14 + 10 * 6 / 14 + TRACING_SECONDS)
    early = record.with_outcome(best_epoch=0)
    assert export_seconds(record, run) - export_seconds(early, run) == pytest.approx(20 / 14)


def test_of_a_probe_only_the_features_of_further_images_are_new(run):
    probe = best_of(run).with_outcome(values={"family": "probe"}, seconds=7.0)
    assert export_seconds(probe, run) == export_seconds(None, run)
    # Of 14 images to train and 6 to validate on it has seen 4 each.
    part = probe.with_outcome(images=4)
    extra = export_seconds(part, run) - export_seconds(None, run)
    assert extra == pytest.approx(BUILDING_SECONDS + (7 - BUILDING_SECONDS) * 12 / 8)
    names = {"joined/backbone": "a", "joined/second": "b", "joined/image_size": 160}
    joined = probe.with_outcome(values={"family": "joined", **names})
    more = export_seconds(joined, run) - export_seconds(probe, run)
    images = SEEN_IMAGES + len(run.test)
    assert more == pytest.approx(SECONDS_PER_NETWORK + images * SECONDS_PER_IMAGE)  # there are two


def test_what_an_image_takes_on_this_machine_is_known_from_the_probes_of_a_network(run):
    """Two rungs of a probe took 1 and 3 seconds without building, for all 20 images together."""
    names = {"probe/backbone": "a", "probe/image_size": 160}
    few = best_of(run).with_outcome(
        values={"family": "probe", **names}, images=4, seconds=1.0 + BUILDING_SECONDS
    )
    rungs = [few, few.with_outcome(images=None, seconds=3.0)]
    images = SEEN_IMAGES + len(run.test)
    whole = export_seconds(rungs[1], run, rungs) - export_seconds(rungs[1], run)
    assert whole == pytest.approx(images * (4 / 20 - SECONDS_PER_IMAGE))
    for family in ("transfer", "joined"):
        own = {f"{family}/{key.split('/')[1]}": value for key, value in names.items()}
        other = {"joined/second": "b"} if family == "joined" else {}
        record = best_of(run).with_outcome(values={"family": family, **own, **other})
        more = export_seconds(record, run, rungs) - export_seconds(record, run)
        assert more == pytest.approx(images * (4 / 20 - SECONDS_PER_IMAGE))
    # At another size an image takes as long as it is large: half the side, a quarter of the time.
    quarter = replace_size(rungs[1], 80)
    more = export_seconds(quarter, run, rungs) - export_seconds(quarter, run)
    assert more == pytest.approx(images * (4 / 20 / 4 - SECONDS_PER_IMAGE))
    few_alone = export_seconds(quarter, run, rungs[:1])  # mostly building
    assert few_alone == export_seconds(quarter, run)
    # Features that were there from an earlier run say nothing of what an image takes.
    quick = rungs[1].with_outcome(seconds=0.1)
    least = export_seconds(quick, run, [quick]) - export_seconds(quick, run)
    assert least == pytest.approx(-images * SECONDS_PER_IMAGE / 2)


def test_a_family_of_ones_own_may_have_values_of_these_names(run):
    values = {"family": "cnn", "cnn/backbone": "mobilenet_v2", "cnn/image_size": "large"}
    probe = {"probe/backbone": "mobilenet_v2", "probe/image_size": 160}
    record = best_of(run).with_outcome(values=values)
    known = best_of(run).with_outcome(values={"family": "probe", **probe}, seconds=1000.0)
    assert export_seconds(record, run, [known]) == export_seconds(record, run)


@pytest.mark.parametrize(("trainings", "seeds"), [(0.5, 0), (1.7, 1), (4.5, 2), (100, 3), (-20, 0)])
def test_the_best_few_are_trained_as_often_as_there_is_time(run, clock, trainings, seeds):
    # One round trains both, for a second each.
    seconds = export_seconds(best_of(run), run) + trainings
    assert within(seconds, run) == (seeds, pytest.approx(100 + trainings))


def test_a_search_ends_early_enough_to_export_the_best(run, clock):
    with StopSignal(100.0) as stop:
        TimeToExport(stop, run, load_records(run.run))
        # Both are trained again three times, each in a second.
        needed = export_seconds(best_of(run), run) + 6
        clock[0] = 200.0 - needed - 0.1
        assert not stop.requested
        clock[0] = 200.0 - needed + 0.1
        assert stop.requested
        assert stop.reason == "the rest of the time is for the export"
        clock[0] = 200.1
        assert stop.reason == "time is up"


def test_what_runs_and_is_ahead_is_what_would_be_trained_again(run, clock):
    with StopSignal(200.0) as stop:
        watch = TimeToExport(stop, run, load_records(run.run))
        running = best_of(run).with_outcome(trial_id="0002", configuration="0002")
        watch.trial_started(running)
        clock[0] = 110.0
        watch.progress(Progress("0002", 0, 1, 2, before="computing features"))
        clock[0] = 120.0
        watch.progress(Progress("0002", 0, 1, 2))
        clock[0] = 130.0

        def epoch(score):
            watch.progress(Progress("0002", 0, 1, 1, logs=epoch_logs(0, score)))
            return stop._kept_back

        before = stop._kept_back
        assert epoch(0.6) == before
        again = 10 * 20 / 14 + 20 * 6 / 14 + TRACING_SECONDS + 6
        assert epoch(0.8) == pytest.approx(export_seconds(None, run) + again)
        watch.trial_finished(running.with_outcome(score=0.8, seconds=40.0))
        # To train all three again takes 42 seconds, which is more than the share of 200.
        kept = export_seconds(None, run) + 40 * 20 / 14
        assert stop._kept_back == pytest.approx(kept)


def test_the_end_of_another_trial_leaves_what_is_kept_for_one_that_is_ahead(run, clock):
    begun = best_of(run).with_outcome(trial_id="0002", configuration="0002", score=None)
    other = best_of(run).with_outcome(trial_id="0003", configuration="0003", score=0.1)
    with StopSignal(200.0) as stop:
        watch = TimeToExport(stop, run, load_records(run.run))
        watch.trial_started(begun)
        watch.trial_started(other)
        watch.progress(Progress("0002", 0, 1, 2))
        clock[0] = 130.0
        watch.progress(Progress("0002", 0, 1, 1, logs=epoch_logs(0, 0.8)))
        kept = stop._kept_back
        watch.trial_finished(other.with_outcome(score=None))
        assert stop._kept_back == kept
        watch.trial_finished(begun.with_outcome(score=0.1))
        assert stop._kept_back < kept


def test_an_attempt_that_begins_anew_is_timed_anew(run, clock):
    begun = best_of(run).with_outcome(trial_id="0002", configuration="0002", score=None)

    def kept_of(starts):
        clock[0] = 100.0
        with StopSignal(2000.0) as stop:
            watch = TimeToExport(stop, run, load_records(run.run))
            for start in starts:
                clock[0] = start
                watch.trial_started(begun)
                watch.progress(Progress("0002", 0, 1, 2))
            clock[0] += 10.0
            watch.progress(Progress("0002", 0, 1, 1, logs=epoch_logs(0, 0.8)))
            return stop._kept_back

    assert kept_of([110.0, 310.0]) == kept_of([310.0])


def test_of_a_running_trial_the_epochs_of_earlier_rungs_are_trained_again_too(run, clock):
    """Two epochs in ten seconds each, after three of the rung before."""
    begun = best_of(run).with_outcome(trial_id="0002", configuration="0002", score=None)
    with StopSignal(900.0) as stop:
        watch = TimeToExport(stop, run, [])
        watch.trial_started(begun)
        watch.progress(Progress("0002", 3, 1, 2))
        clock[0] += 20.0
        watch.progress(Progress("0002", 4, 2, 2, logs=epoch_logs(4, 0.6)))
        again = 20 * 5 / 2 * 20 / 14
        assert stop._kept_back == pytest.approx(export_seconds(None, run) + again)


def test_a_probe_that_is_ahead_is_not_stopped_just_before_its_end(run, clock):
    """Its solver has ended when it has a score: nothing of it would be made again."""
    probe = best_of(run).with_outcome(
        values={"family": "probe"}, trial_id="0002", configuration="0002", score=None
    )
    with StopSignal(200.0) as stop:
        watch = TimeToExport(stop, run, load_records(run.run))
        before = stop._kept_back
        watch.trial_started(probe)
        clock[0] = 150.0
        watch.progress(Progress("0002", 0, 1, 1, before="computing features"))
        watch.progress(Progress("0002", 0, 1, 1, logs=epoch_logs(0, 0.9)))
        assert stop._kept_back == before


def test_for_two_networks_time_is_kept_before_they_are_joined(run, clock):
    names = {"joined/backbone": "a", "joined/second": "b", "joined/image_size": 160}
    joined = best_of(run).with_outcome(
        values={"family": "joined", **names}, trial_id="0002", configuration="0002", score=None
    )
    with StopSignal(200.0) as stop:
        watch = TimeToExport(stop, run, load_records(run.run))
        before = stop._kept_back
        watch.trial_started(joined)
        assert stop._kept_back > before + SECONDS_PER_NETWORK / 2


def test_what_is_known_of_the_best_is_kept_back_and_not_what_is_unknown(run, clock):
    """Its images take half of what those of an unknown network are expected to."""
    names = {"family": "probe", "probe/backbone": "a", "probe/image_size": 160}
    probe = best_of(run).with_outcome(values=names, seconds=0.1, trial_id="0002", score=0.9)
    with StopSignal(200.0) as stop:
        watch = TimeToExport(stop, run, [])
        watch.trial_finished(probe)
        assert stop._kept_back == pytest.approx(export_seconds(probe, run, [probe]))
    assert stop._kept_back < export_seconds(None, run)


def test_nothing_is_kept_back_while_there_is_nothing_to_export(run, clock):
    begun = best_of(run).with_outcome(trial_id="0002", configuration="0002", score=None)
    with StopSignal(200.0) as stop:
        watch = TimeToExport(stop, run, [])
        watch.trial_started(begun)
        watch.progress(Progress("0002", 0, 1, 2))
        assert stop._kept_back == 0
        watch.progress(Progress("0002", 0, 2, 2, logs=epoch_logs(0, 0.6)))
        assert stop._kept_back > 0


def out_of_fold(record, score):
    """The same with a score by cross-validation."""
    *before, last = record.history
    return record.with_outcome(history=[*before, {**last, CROSS_VALIDATED: score}])


@pytest.mark.parametrize(
    ("family", "other"),
    [
        ("transfer", {"transfer/unfreeze": 0.3}),  # fine-tuned, behind a head
        # Two networks, behind one on the images to validate on, and ahead out of fold.
        ("joined", {"joined/backbone": "a", "joined/second": "b"}),
    ],
)
def test_time_is_kept_for_what_may_be_exported_in_place_of_the_leader(run, clock, family, other):
    names = {"backbone": "a", "image_size": 160}
    led_by = "transfer" if family == "transfer" else "probe"
    leader = out_of_fold(best_of(run), 0.68)
    leader = leader.with_outcome(values={"family": led_by, "transfer/unfreeze": 0.0})
    values = {"family": family, **other, **{f"{family}/{k}": v for k, v in names.items()}}
    second = out_of_fold(leader, 0.69).with_outcome(
        trial_id="0002", configuration="0002", values=values, score=0.65, seconds=9.0
    )
    with StopSignal(1000.0) as stop:
        watch = TimeToExport(stop, run, [leader])
        watch.trial_finished(second)
        once, each = choosing_seconds([leader, second], run, top=3)
        assert stop._kept_back == pytest.approx(export_seconds(second, run) + once + 3 * each)
        assert export_seconds(second, run) > export_seconds(leader, run)


def test_time_is_kept_for_the_costliest_of_those_that_are_chosen_from(run, clock):
    """Training again may put the second first: its own last training then takes longer."""
    leader = best_of(run)
    slow = leader.with_outcome(
        trial_id="0002",
        configuration="0002",
        values={**leader.values, "learning_rate": 0.002},
        score=leader.score - 0.01,
        seconds=40.0,
        step_seconds=40.0,
    )
    assert export_seconds(slow, run) > export_seconds(leader, run)
    with StopSignal(1000.0) as stop:
        watch = TimeToExport(stop, run, [leader])
        watch.trial_finished(slow)
        once, each = choosing_seconds([leader, slow], run, top=3)
        # 150 s, a share of the time, are enough for three rounds of 41 s.
        assert stop._kept_back == pytest.approx(export_seconds(slow, run) + once + 3 * each)


def test_no_time_is_kept_for_two_networks_that_would_not_be_exported(run, clock):
    leader = out_of_fold(best_of(run), 0.69).with_outcome(values={"family": "probe"})
    names = {"joined/backbone": "a", "joined/second": "b", "joined/image_size": 160}
    joined = out_of_fold(leader, 0.68).with_outcome(
        trial_id="0002", configuration="0002", values={"family": "joined", **names}, score=0.9
    )
    with StopSignal(1000.0) as stop:
        watch = TimeToExport(stop, run, [leader])
        watch.trial_started(joined)
        watch.trial_finished(joined)
        assert stop._kept_back == pytest.approx(export_seconds(leader, run))


def test_probes_that_saw_a_part_of_the_images_are_not_compared_for_nothing(run, clock, monkeypatch):
    """Their features of the other images have to be computed first."""
    probe = best_of(run).with_outcome(values={"family": "probe"}, seconds=7.0)
    part = probe.with_outcome(images=4)
    assert choosing_seconds([probe], run, top=3) == (0, 0)
    once = BUILDING_SECONDS + (7 - BUILDING_SECONDS) * 12 / 8
    assert choosing_seconds([part], run, top=3) == (0, pytest.approx(once))
    monkeypatch.setattr(choosing_estimate, "load_records", lambda _: [part])
    enough = export_seconds(part, run) + once
    assert within(enough, run)[0] == 1
    assert within(enough - 0.5 * once, run)[0] == 0


def test_what_two_probes_cost_is_measured_only_where_there_is_time(run, clock, monkeypatch):
    """Neither is trained again: the search has said what they reach."""
    probe = best_of(run).with_outcome(values={"family": "probe"})
    two = [probe, probe.with_outcome(trial_id="0009", configuration="0009")]
    monkeypatch.setattr(choosing_estimate, "load_records", lambda _: two)
    alone = export_seconds(probe, run)
    # Six images cannot show that one is as good as another, so no cost is measured.
    assert within(alone + 0.1, run) == (3, pytest.approx(100.1))
    monkeypatch.setattr(choosing_estimate, "enough_images", lambda count: count == 6)
    enough = alone + 2 * SECONDS_PER_COST
    # The last training again ends before the costs are measured.
    assert within(enough + 0.1, run) == (3, pytest.approx(100.1))
    assert within(enough - 0.1, run) == (0, pytest.approx(99.9))


def test_half_of_the_time_is_left_to_the_search_in_any_case(run, clock):
    with StopSignal(10.0) as stop:
        TimeToExport(stop, run, load_records(run.run))
        clock[0] = 104.9
        assert not stop.requested
        clock[0] = 105.1
        assert stop.requested


def test_without_a_limit_nothing_is_kept_back(run, clock):
    with StopSignal() as stop:
        TimeToExport(stop, run, load_records(run.run))
        clock[0] = 1e9
        assert not stop.requested


@pytest.fixture
def told(run, monkeypatch):
    """What the export is asked for after a search of made-up results; the search is left out."""
    asked = []
    monkeypatch.setattr("search.tuning.run.start", lambda *_: run.run)
    monkeypatch.setattr(
        "search.export.export_best.export_best", lambda _, options, **how: asked.append(options)
    )
    monkeypatch.setattr("search.api.Exported.metrics", None)
    monkeypatch.setattr("search.cli.export.print_export", lambda metrics: None)
    return asked


def test_the_command_exports_in_what_is_left_of_its_time(told, photos, capsys):
    command = ["run", str(photos), "--then-export"]
    assert _run([*command, "--max-time", "1h"]) == 0
    assert _run([*command, "--max-time", "1s"]) == 0
    assert _run(command) == 0
    assert [options.seeds for options in told] == [3, 0, 3]
    assert all(options.top == exporting.TOP for options in told)
    hour, second, always = (options.choose_until for options in told)
    assert hour > second
    assert always == math.inf
    assert "tune export-best" not in capsys.readouterr().err


def test_without_the_option_nothing_is_exported(told, run, photos, capsys):
    assert _run(["run", str(photos), "--max-time", "1h"]) == 0
    assert told == []
    assert f" tune export-best {run.run.argument}" in capsys.readouterr().err
