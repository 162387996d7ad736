import json
from dataclasses import replace

import pytest
from exported_metrics import METRICS
from given_data import DATA
from rich.console import Console
from searching import VALUES, epoch_logs, run_config, trial_record

from search.api import Run
from search.cli import _run
from search.cli.printing.run import print_report, print_result, run_table
from search.insights.findings import Insights
from search.insights.verdict import verdict
from search.overview import summary
from search.overview.summary import list_runs, run_report
from search.process.atomic_files import write_json
from search.run_folder.paths import RunFolder
from search.run_folder.records import DIVERGED, FAILED
from search.run_folder.schema import to_json


def run_with(folder, *records, name="cats", **config):
    """A run folder with these records, begun with these options."""
    run = RunFolder(folder / name)
    run_config(**config).save(run)
    write_json(run.data, DATA)
    for record in records:
        record.save(run)
    return run


def shown(table):
    console = Console(record=True, width=200)
    console.print(table)
    return console.export_text()


def test_a_search_that_found_nothing_better_says_so():
    records = [trial_record("0000", 0.9), trial_record("0001", 0.8)]
    assert "nothing better than the built-in configuration" in verdict(records, run_config(), None)


def test_a_search_that_found_better_says_by_how_much():
    records = [trial_record("0000", 0.9), trial_record("0001", 0.9333)]
    said = verdict(records, run_config(), None)
    assert (
        said == "The best is 0.0333 better than the best built-in configuration that it began with."
    )


def test_a_lower_loss_is_better():
    records = [trial_record("0000", 0.5), trial_record("0001", 0.3)]
    assert "0.2000 better" in verdict(records, run_config(objective="val_loss"), None)


AHEAD = "The best is 0.0100 ahead of the best built-in configuration that it began with, which 200 "


@pytest.mark.parametrize(
    ("score", "images", "said"),
    [
        (0.91, 200, AHEAD + "images cannot tell apart."),
        (0.91, 20_000, "The best is 0.0100 better than"),
        (0.90004, 20_000, "The search found nothing better"),
    ],
)
def test_better_is_what_the_images_can_tell(score, images, said):
    records = [trial_record("0000", 0.9), trial_record("0001", score)]
    assert verdict(records, run_config(), images).startswith(said)


def test_scores_on_a_part_of_the_images_are_not_beaten():
    part = replace(trial_record("0000", 0.95), images=200)
    records = [part, trial_record("0001", 0.8, baseline=True), trial_record("0002", 0.9)]
    assert "0.1000 better" in verdict(records, run_config(), None)
    assert "nothing better" in verdict([part], run_config(), None)
    # Nor is one of them what was to be beaten.
    assert "None of the built-in" in verdict([part, records[2]], run_config(), None)


def test_where_nothing_built_in_keeps_to_the_limits_nothing_is_said_of_it():
    assert verdict([trial_record("0000", 0.9, baseline=False)], run_config(), None) == ""


def test_each_family_has_a_known_good_configuration_to_beat():
    records = [
        trial_record("0000", 0.8),
        trial_record("0001", 0.9),
        trial_record("0002", 0.85),
    ]
    assert "0.1000 better" in verdict(records, run_config(), None)
    records[1] = trial_record("0001", 0.9, baseline=True)
    assert "nothing better" in verdict(records, run_config(), None)


def test_a_family_may_have_several_known_good_configurations():
    records = [
        trial_record(f"{number:04}", 0.5 + number / 100, baseline=number < 5) for number in range(6)
    ]
    assert "0.0100 better" in verdict(records, run_config(), None)


def test_a_trial_that_was_ended_early_says_so_in_the_table(tmp_path):
    run = run_with(tmp_path, trial_record("0000", 0.5, stopped_early="cannot win"))
    assert "[stopped early] cannot win" in shown(run_table(run_report(run), limit=5))


def test_it_is_said_where_no_known_good_configuration_finished():
    records = [trial_record("0000", None, status=FAILED), trial_record("0001", 0.5)]
    assert verdict(records, run_config(), None) == (
        "None of the built-in configurations that it began with finished."
    )


def test_one_that_is_as_good_as_what_the_search_began_with_has_not_beaten_it():
    drawn = trial_record("0000", 0.9, baseline=False)
    records = [drawn, trial_record("0001", 0.9, baseline=True)]
    assert verdict(records, run_config(), None).startswith("The search found nothing better")


@pytest.mark.parametrize(
    ("records", "config"),
    [([], {}), ([trial_record("0000", None)], {}), ([trial_record("0000", 0.9)], {"preset": "x"})],
)
def test_nothing_is_claimed_where_there_is_nothing_to_compare(records, config):
    assert verdict(records, run_config(**config), None) == ""


def two_rungs():
    """A configuration of two rungs, and one that diverged."""
    first = trial_record("0000", 0.7, seconds=10.0, parameters=1000)
    second = trial_record(
        "0002",
        0.9,
        configuration="0000",
        parent="0000",
        rung=1,
        initial_epoch=1,
        epochs=3,
        seconds=20.0,
        parameters=1000,
        best_epoch=1,
        history=[epoch_logs(1, 0.9), epoch_logs(2, 0.8)],
    )
    diverged = trial_record("0001", None, status=DIVERGED, reason="loss is nan in epoch 1")
    return first, second, diverged


def test_how_a_probe_ended_is_told_by_its_last_rung_though_each_has_one_epoch(tmp_path):
    opened = trial_record("0000", 0.9, images=200)
    again = {"configuration": "0000", "parent": "0000", "rung": 1, "status": FAILED}
    lost = trial_record("0001", None, **again, reason="out of memory")
    (row,) = run_report(run_with(tmp_path, opened, lost)).configurations
    assert (row.status, row.reason) == (FAILED, "out of memory")


def test_a_report_has_one_row_a_configuration_with_what_all_its_rungs_took(tmp_path):
    report = run_report(run_with(tmp_path, *two_rungs()))
    best, last = report.configurations
    assert (report.trials, report.finished, report.seconds) == (3, 3, 30.0)
    assert (best.configuration, best.score, best.val_accuracy) == ("0000", 0.9, 0.9)
    assert (best.best_epoch, best.epochs, best.seconds) == (2, 3, 30.0)
    assert best.values == VALUES
    assert (last.status, last.reason) == (DIVERGED, "loss is nan in epoch 1")
    json.dumps(to_json(report), allow_nan=False)


def test_the_table_shows_score_epoch_time_weights_and_why_a_trial_has_no_score(tmp_path):
    lines = shown(run_table(run_report(run_with(tmp_path, *two_rungs())), limit=20)).splitlines()
    assert lines[0].split()[0] == "val_accuracy"
    for part in ("1", "0.9000", "30 s", "1,000", "cnn 8 filters, 2 blocks"):
        assert part in lines[1]
    assert "–" in lines[2]
    assert "[diverged] loss is nan in epoch 1" in lines[2]


def test_the_table_is_cut_at_the_limit(tmp_path):
    records = [trial_record(f"{number:04}", number / 10) for number in range(5)]
    text = shown(run_table(run_report(run_with(tmp_path, *records)), limit=2))
    assert "0.4000" in text
    assert "0.3000" in text
    assert "0.2000" not in text


def test_the_list_says_of_each_run_what_it_found_and_whether_it_was_exported(tmp_path):
    run_with(tmp_path, trial_record("0000", 0.5), name="empty", preset="keras-2022")
    run = run_with(tmp_path, trial_record("0000", 0.75), trial_record("0001", 0.5))
    run.export.mkdir()
    (run.export / "model.keras").write_bytes(b"")
    rows = {row.run: row for row in list_runs(tmp_path)}
    assert (rows["cats"].best, rows["cats"].finished, rows["cats"].exported) == (
        0.75,
        2,
        True,
    )
    assert (rows["empty"].algo, rows["empty"].exported) == ("keras-2022", False)


def test_one_broken_run_does_not_hide_the_others(tmp_path, capsys):
    run_with(tmp_path, trial_record("0000", 0.75))
    for name, text in (("half", '{"data": '), ("wrong", '{"seed": "none"}')):
        run = RunFolder(tmp_path / name)
        run_config().save(run)
        run.trials.mkdir()
        run.config.write_text(text)
    rows = {row.run: row for row in list_runs(tmp_path)}
    assert rows["cats"].best == 0.75
    assert rows["cats"].problem is None
    assert "config.json: not readable as JSON" in rows["half"].problem
    assert "config.json" in rows["wrong"].problem
    assert _run(["list", "--results", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if " broken " in line and "config.json: " in line]) == 2
    assert any(line.startswith("cats  ") for line in lines)


def test_the_report_holds_what_was_trained_again_and_what_was_exported(tmp_path):
    run = run_with(tmp_path, trial_record("0000", 0.5))
    before = run_report(run)
    assert (before.finalists, before.exported) == ([], None)
    write_json(run.finalists, [{"configuration": "0000", "mean": 0.4}])
    metrics = {
        "summary": "cnn",
        "verdict": "It was no better.",
        "val_accuracy": 0.4,
        "accuracy": 0.45,
        "accuracy_interval": [0.4, 0.5],
        "pictures": 300,
        "lock_box_opened": 1,
        "trials": 1,
    }
    write_json(run.export / "metrics.json", metrics | {"confusion_matrix": [[1]]})
    after = run_report(run)
    assert after.finalists == [{"configuration": "0000", "mean": 0.4}]
    assert to_json(after.exported) == metrics


def test_an_export_from_before_the_last_trials_says_so(tmp_path, capsys):
    run = run_with(tmp_path, trial_record("0000", 0.5), trial_record("0001", 0.6))
    for trials, expected in ((1, "exported after 1 trial: cnn"), (2, "exported: cnn")):
        write_json(run.metrics, METRICS | {"summary": "cnn", "trials": trials})
        print_report(run_report(run), limit=5)
        shown = capsys.readouterr().out
        assert expected in shown
        assert "time of the export" not in shown


def test_the_verdict_is_printed_as_it_is(tmp_path, capsys):
    """It holds values of families of one's own, which may look like markup of Rich."""
    run = run_with(tmp_path, trial_record("0000", 0.5))
    said = "The best is 0002 Wide, [relu] [/x] better than the built-in configuration."
    print_report(replace(run_report(run), verdict=said), limit=5)
    assert said in capsys.readouterr().out.replace("\n", " ")


def test_where_the_time_of_an_export_went_is_said(tmp_path, capsys):
    run = run_with(tmp_path, trial_record("0000", 0.5))
    took = {"choosing": 70.0, "retraining": 55.0, "files": 20.0}
    write_json(run.metrics, METRICS | {"summary": "cnn", "trials": 1, "time": took})
    assert to_json(run_report(run).exported)["time"] == took
    print_report(run_report(run), limit=5)
    assert "time of the export: choosing among the best 1 min 10 s" in capsys.readouterr().out


def test_what_show_prints_as_json_has_the_keys_that_it_always_had(tmp_path):
    run = run_with(tmp_path, trial_record("0000", 0.5))
    write_json(run.data, DATA | {"made_by": "tune 0.1.0"})
    report = to_json(run_report(run))
    assert report["data"] == DATA
    assert report["learnt"] == to_json(Insights())
    assert list(report) == [
        "run",
        "algo",
        "objective",
        "data",
        "image_size",
        "trials",
        "finished",
        "seconds",
        "verdict",
        "learnt",
        "finalists",
        "exported",
        "configurations",
        "race",
        "spent",
        "doubts",
    ]


def test_an_export_of_an_older_version_is_shown_as_far_as_it_was_written(tmp_path, capsys):
    run = run_with(tmp_path, trial_record("0000", 0.5))
    older = {"accuracy": 0.5, "accuracy_interval": [0.4, 0.6], "pictures": 9, "lock_box_opened": 1}
    write_json(run.metrics, older)
    report = run_report(run)
    assert to_json(report.exported) == older
    print_report(report, limit=5)
    assert "exported: a model, accuracy 0.5000 on 9 test images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("doubts", "said"),
    [
        ((), "next: tune export-best "),
        (
            ("it never answers cat",),
            "next: more images may help (in a new run), or wrong labels mended",
        ),
    ],
)
def test_what_is_of_no_use_is_to_be_mended_first(doubts, said, tmp_path, monkeypatch, capsys):
    run = run_with(tmp_path, trial_record("0000", 0.5))
    report = replace(run_report(run), doubts=doubts)
    monkeypatch.setattr("search.overview.summary.run_report", lambda _: report)
    print_result(Run(run.path), as_json=False)
    assert said in capsys.readouterr().err


def test_before_an_export_follows_the_verdict_is_left_to_it(tmp_path, monkeypatch, capsys):
    run = run_with(tmp_path, trial_record("0000", 0.5))
    report = replace(run_report(run), verdict="The search found nothing better.")
    monkeypatch.setattr("search.overview.summary.run_report", lambda _: report)
    print_result(Run(run.path), as_json=False)
    assert "found nothing better" in capsys.readouterr().out
    print_result(Run(run.path), as_json=False, last=False)
    assert "found nothing better" not in capsys.readouterr().out


def test_a_run_that_may_not_be_read_does_not_hide_the_others(tmp_path, monkeypatch):
    run_with(tmp_path, trial_record("0000", 0.75))
    closed = run_with(tmp_path, trial_record("0000", 0.5), name="closed")
    original = summary.load_records

    def load_records(run):
        if run.path == closed.path:
            raise PermissionError(13, "Permission denied")
        return original(run)

    monkeypatch.setattr(summary, "load_records", load_records)
    problems = {row.run: row.problem for row in list_runs(tmp_path)}
    assert problems["cats"] is None
    assert "Permission denied" in problems["closed"]
