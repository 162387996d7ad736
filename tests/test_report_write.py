"""`tune report` on small finished runs: what stands in the file."""

import re

import numpy as np
import pytest
from recorded_progress import Recorded
from reported import NAMES, export, reported_run
from stopping import NEVER, StopWhen

from models.grad_cam import GradCam
from search.cli import _run
from search.errors import TuneError
from search.process.atomic_files import read_json, write_json
from search.process.progress import Silent
from search.report.contents import most_confused, read_contents
from search.report.write import Wanted, write_report
from search.run_folder.record_files import load_records
from search.run_folder.records import STOPPED

BESIDE = {"measure": 0.0}


@pytest.fixture
def run(scratch, tmp_path):
    return reported_run(scratch, tmp_path)


def report(run, **wanted):
    said = Recorded()
    file = write_report(run, Wanted(**(BESIDE | wanted)), stop=NEVER, progress=said)
    return file.read_text("utf-8"), said.text


def pictures(text):
    return len(re.findall(r'<img[^>]* src="data:image/', text))


def test_before_an_export_it_tells_of_the_best_on_validation(run):
    text, _ = report(run)
    assert "<strong>83.3 %</strong> of the validation images" in text
    assert f"tune export-best {run.argument}" in text
    assert "Of the best configuration of the search, on the validation images." in text
    assert 'id="winner"' not in text


def test_after_an_export_it_tells_of_the_test_images_with_heat_maps(run, scratch):
    export(run, scratch)
    text, said = report(run)
    assert "<strong>95.0 %</strong> of 300 images that the search never saw" in text
    assert 'id="winner"' in text
    assert "at most 0.01 behind the best, on the objective and on log loss" in text
    assert "model.onnx" in text
    assert text.count('class="heat" src="data:image/png') == 1  # of the one mistake
    assert said == ""


def test_the_time_of_the_export_stands_beside_that_of_the_search(run, scratch):
    export(run, scratch)
    assert "export: retraining" not in report(run)[0]
    took = {"choosing": 70.0, "retraining": 55.0, "files": 20.0}
    write_json(run.metrics, read_json(run.metrics) | {"time": took})
    text, _ = report(run)
    assert re.search(r"export: retraining</th>.*>55 s<", text)
    assert re.search(r"export: choosing among the best</th>.*>1 min 10 s<", text)


def test_a_model_that_cannot_be_loaded_costs_the_heat_maps_alone(run, scratch):
    export(run, scratch)
    (run.export / "model.keras").write_bytes(b"no model")
    text, said = report(run)
    assert "no heat maps: " in said
    assert 'class="heat"' not in text
    assert "The mistakes it was surest of" in text


def test_an_export_of_other_classes_costs_the_heat_maps_alone(run, scratch):
    export(run, scratch)
    data = read_json(run.data)
    write_json(run.data, {**data, "labels": ["ape", "bee"]})
    text, said = report(run)
    assert "no heat maps: the exported model has no class bee" in said
    assert 'class="heat"' not in text


def test_names_are_shown_and_never_obeyed(run, scratch):
    export(run, scratch)
    text, _ = report(run)
    assert NAMES[0] not in text
    assert "&lt;/script&gt;&lt;b&gt;a &amp; b" in text
    assert "unreadable: no &lt;such&gt; file" in text
    assert text.count("</script>") == 3  # the charts' values and two scripts


def test_no_images_leaves_every_image_out(run):
    assert pictures(report(run)[0]) > 10
    text, _ = report(run, images=False)
    assert pictures(text) == 0
    assert "along/half.png" in text  # names of files set aside are no images


def test_images_that_are_gone_are_an_error_that_names_the_way_out(run, tmp_path):
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    with pytest.raises(TuneError, match="--no-pictures"):
        report(run)
    assert not run.report.exists()
    assert "usable images" in report(run, images=False)[0]


def test_a_run_that_has_tried_nothing_has_a_report_too(run):
    for path in run.trials.iterdir():
        path.unlink()
    text, _ = report(run)
    assert "No trial has finished an epoch yet." in text
    assert 'data-chart="time"' not in text


def test_latencies_are_measured_and_drawn(run):
    assert "Not measured." in report(run)[0]
    text, _ = report(run, measure=60.0)
    assert 'data-chart="latency"' in text
    assert len(read_json(run.latencies)["seconds"]) == 2
    assert re.search(r"\d ms\\n", text)


def test_prepared_pixels_that_are_gone_cost_the_latencies_alone(run, tmp_path):
    data = read_json(run.data)
    run.data.write_text(run.data.read_text().replace(data["pixels"], str(tmp_path / "gone.npy")))
    text, said = report(run, measure=60.0)
    assert "latency not measured" in said
    assert "Not measured." in text


def test_a_failed_write_leaves_the_report_of_before(run, monkeypatch):
    run.report.write_text("before")
    monkeypatch.setattr(
        "data_pipeline.atomic_files.UnfinishedFile.publish",
        lambda *_: (_ for _ in ()).throw(OSError),
    )
    with pytest.raises(OSError):
        report(run)
    assert run.report.read_text() == "before"


def test_the_matrix_is_that_of_the_exported_models_test_images(run, scratch):
    before = read_contents(run).answers
    assert not before.exported
    assert sum(map(sum, before.confusion_matrix)) == len(scratch.validation)
    export(run, scratch)
    after = read_contents(run).answers
    assert after.exported
    assert np.trace(after.confusion_matrix) == len(scratch.test) - 1
    assert len(after.mistakes) == 1


def test_classes_are_counted_by_split(run, scratch):
    classes = read_contents(run).classes
    assert [name for name, *_ in classes] == list(NAMES)
    assert sum(train for _, train, _, _ in classes) == len(scratch.train)
    assert sum(test for *_, test in classes) == len(scratch.test)


def test_the_pairs_confused_most_often_come_first():
    matrix = [[5, 2, 0], [7, 1, 0], [0, 3, 9]]
    labels = ["a", "b", "c"]
    assert most_confused(matrix, labels, 2) == [("b", "a", "7"), ("c", "b", "3")]


def test_the_command_says_what_it_wrote(run, tmp_path, capsys):
    output = tmp_path / "cats.html"
    arguments = ["report", "--results", str(tmp_path / "results"), "--measure", "0s"]
    assert _run([*arguments, "--output", str(output), "--json"]) == 0
    printed = capsys.readouterr().out
    assert f'"bytes": {output.stat().st_size}' in printed
    assert not run.report.exists()
    assert _run([*arguments, "nosuch"]) == 1
    assert "no run named 'nosuch'" in capsys.readouterr().err


def test_every_configuration_is_counted_though_few_are_listed(run, monkeypatch):
    monkeypatch.setattr("search.report.page.ROWS", 1)
    text, _ = report(run)
    assert "and 2 more" in text
    assert len(load_records(run)) == 3


def test_a_family_of_one_configuration_has_no_values_to_compare(run):
    text, _ = report(run)
    assert 'data-chart="parallel-cnn"' in text
    assert 'data-chart="parallel-xception"' not in text
    assert "One configuration alone: there are no values to compare." in text


def test_an_export_that_the_search_has_outgrown_is_marked(run, scratch):
    export(run, scratch)
    changed = read_json(run.export / "metrics.json")
    write_json(run.export / "metrics.json", changed | {"trials": 2})
    text, said = report(run)
    assert "exported after 2 trials; the search went on, and has 3 now" in text
    assert "exported after 2 trials" in said
    write_json(run.export / "metrics.json", changed | {"trials": 3})
    assert "the search went on" not in report(run)[0]


def test_an_export_of_an_older_version_is_left_out_and_said_to_be(run, scratch):
    export(run, scratch)
    metrics = read_json(run.export / "metrics.json")
    del metrics["parity"]
    write_json(run.export / "metrics.json", metrics)
    text, said = report(run)
    assert "An older version of tune made the export" in said
    assert 'id="winner"' not in text


def test_a_run_without_its_images_says_how_to_get_them(run):
    run.older_images.unlink()
    with pytest.raises(TuneError, match=f"tune run --resume {run.path}"):
        report(run, images=False)


def test_a_stopped_trial_that_leads_does_not_hide_the_mistakes_of_others(run):
    (best,) = [record for record in load_records(run) if record.trial_id == "0002"]
    best.with_outcome(status=STOPPED, score=0.9).save(run)
    run.predictions("0002").unlink()
    assert "Of the best configuration of the search" in report(run)[0]


def test_ctrl_c_says_what_is_kept(run, tmp_path, monkeypatch, capsys):
    def pressed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("search.report.write.write_report", pressed)
    assert _run(["report", "--results", str(tmp_path / "results")]) == 130
    assert "run: no report was written; what was measured for it is kept" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_ctrl_c_leaves_no_report(run, asked):
    answers = iter([*[False] * asked, True])
    stop = StopWhen(lambda: next(answers))
    with pytest.raises(KeyboardInterrupt):
        write_report(run, Wanted(measure=0.0), stop=stop, progress=Silent())
    assert not run.report.exists()


def test_the_heat_is_that_of_the_answer_that_was_given(run, scratch, monkeypatch):
    export(run, scratch)
    wanted = []

    class Asked(GradCam):
        def __call__(self, images, classes=None):
            wanted.extend(classes)
            return super().__call__(images, classes)

    monkeypatch.setattr("models.grad_cam.GradCam", Asked)
    for row in (0, 1):  # one image of each class is taken for the other
        targets = scratch.targets[scratch.test]
        shares = np.eye(2, dtype=np.float32)[targets] * 0.8 + 0.1
        mistaken = list(targets).index(row)
        shares[mistaken] = shares[mistaken, ::-1]
        np.save(run.test_predictions, shares)
        report(run)
    assert wanted == [1, 0]


def test_latencies_of_a_folder_that_is_only_to_be_read_are_measured_for_once(run, monkeypatch):
    def refuse(path, value):
        raise PermissionError(path)

    monkeypatch.setattr("search.report.latency.write_json", refuse)
    text, _ = report(run, measure=60.0)
    assert 'data-chart="latency"' in text
    assert not run.latencies.exists()
