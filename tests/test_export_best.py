"""`export-best` on small finished runs: what is written, and what stays when it goes wrong."""

import importlib.util
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from finished_runs import finished_run, in_this_process
from recorded_progress import Recorded
from small_trials import values_for
from stopping import AT_ONCE, NEVER

from search.errors import TuneError
from search.evaluation.calibration import Calibration, with_temperature
from search.evaluation.logit_adjustment import adjusted
from search.export import export_best as module
from search.export import writing
from search.export.export_best import ExportOptions, calibrate, export_best, retrain
from search.export.folder import export_folder
from search.export.measured_cost import warn_of_cost, with_measured
from search.formats.cost import Budget
from search.formats.latency import Latency
from search.formats.measuring import Measured
from search.formats.parity import check
from search.process.atomic_files import read_json
from search.process.progress import Silent
from search.run_folder.budget import Cost
from search.run_folder.exported.metrics import Metrics
from search.run_folder.record_files import load_records
from search.run_folder.schema import to_json
from search.runs.lock import locked
from search.selection.choice import Choice
from search.trial.model_cache import ModelCache
from search.trial.predictions import predict_rows
from search.trial.retrain import train_epochs
from search.trial.training import Training

QUIET = Silent()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(writing, "measure_file", in_this_process)
    monkeypatch.setattr("search.formats.cost.measure_file", in_this_process)
    # The images were never files.
    monkeypatch.setattr(writing, "check_photos", lambda *_: None)


@pytest.fixture
def run(scratch, tmp_path):
    return finished_run(scratch, tmp_path, [("cnn", 1.0)])


def export(run, stop=NEVER, **options):
    return export_best(run.run, ExportOptions(**options), stop=stop, progress=QUIET)


def looks(run):
    return run.run.path / "lock_box.json"


def test_an_adjustment_towards_rare_classes_is_in_the_file(run, monkeypatch):
    def exported(adjustment):
        monkeypatch.setattr(
            module, "calibrate", lambda *_, **__: Calibration(1.0, None, (0.0, 0.0), adjustment)
        )
        export(run)
        model = keras.models.load_model(run.run.export / "model.keras", compile=False)
        return model.predict_on_batch(np.asarray(run.pixels[run.test]))

    frequencies = np.array([0.8, 0.2])
    monkeypatch.setattr("search.selection.calibrate.class_frequencies", lambda _: frequencies)
    plain, shifted = exported(0.0), exported(0.5)
    np.testing.assert_allclose(shifted, adjusted(plain, frequencies, 0.5), atol=1e-3)
    assert np.abs(shifted - plain).max() > 0.05


def test_a_package_that_is_missing_is_said_before_anything_is_done(run, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda n: None if n == "tf2onnx" else real(n))

    def not_reached(*_, **__):
        pytest.fail("work was begun")

    for name in ("_choose", "calibrate", "retrain"):
        monkeypatch.setattr(module, name, not_reached)
    replace(run.config, formats=("onnx",)).save_again(run.run)  # found where the run was planned
    with pytest.raises(TuneError, match=r"tf2onnx.*image-tune\[onnx\]"):
        export(run)
    monkeypatch.setattr(module.Experiment, "load", not_reached)
    with pytest.raises(TuneError, match=r"tf2onnx.*image-tune\[onnx\]"):
        export(run, formats=("onnx",))


def test_the_number_printed_is_what_the_file_reaches(run):
    metrics = export(run, precision=0.8)
    model = keras.models.load_model(run.run.export / "model.keras", compile=False)
    answers = model.predict_on_batch(np.asarray(run.pixels[run.test]))
    targets = run.targets[run.test]
    assert metrics.accuracy == np.mean(answers.argmax(axis=1) == targets)
    assert metrics.images == len(run.test)
    assert read_json(run.run.metrics) == to_json(metrics)
    assert Metrics.load(run.run) == metrics
    labels = read_json(run.run.export / "labels.json")
    assert labels["labels"] == list(run.class_names)
    calibration = metrics.calibration
    assert labels["threshold"] == calibration.threshold
    # The validation images were all answered at 0.9, before calibration.
    calibrated = with_temperature(np.array([[0.9, 0.1]]), calibration.temperature).max()
    assert calibration.threshold == pytest.approx(calibrated, abs=1e-6)
    names = {path.name for path in run.run.export.iterdir()}
    beside = {"labels.json", "metrics.json", "curves.png", "README.md", "test_predictions.npy"}
    assert names == {"model.keras", *beside}
    predictions = np.load(run.run.test_predictions, allow_pickle=False)
    right = predictions.argmax(axis=1) == run.targets[run.test]
    assert right.mean() == metrics.accuracy
    assert metrics.trials == sum(record.finished for record in load_records(run.run))
    assert metrics.time.retraining > 0 < metrics.time.files
    assert sorted(metrics.files) == sorted(str(run.run.export / name) for name in names)


def test_the_best_are_trained_again_and_the_chosen_one_is_exported(scratch, tmp_path):
    run = finished_run(scratch, tmp_path, [("cnn", 0.5), ("xception", 0.8)])
    metrics = export(run, seeds=1, top=1)
    chosen = next(row for row in metrics.finalists if row.chosen)
    assert len(metrics.finalists) == 2
    assert chosen.as_good
    assert metrics.cheaper_within == 0.01
    assert [row.trainings for row in metrics.finalists] == [1, 1]
    record = load_records(run.run)[int(chosen.configuration)]
    assert metrics.configuration == record.values
    assert metrics.verdict
    assert metrics.val_accuracy == pytest.approx(chosen.mean)
    assert len(list((run.run.path / "repeats").iterdir())) == 2


def test_the_temperature_is_inside_the_file(run, monkeypatch):
    def hot(*arguments, **options):
        return replace(calibrate(*arguments, **options), temperature=3.0)

    monkeypatch.setattr(module, "calibrate", hot)
    raw, _ = retrain(run, load_records(run.run)[0], stop=NEVER, progress=QUIET)
    export(run)
    model = keras.models.load_model(run.run.export / "model.keras", compile=False)
    pictures = np.asarray(run.pixels[run.test])
    expected = with_temperature(predict_rows(raw, run.pixels, run.test), 3.0)
    np.testing.assert_allclose(model.predict_on_batch(pictures), expected, atol=2e-3)


def test_a_file_that_computes_something_else_is_found_before_the_test_images_are_looked_at(
    run, monkeypatch
):
    export(run)
    before = {path.name: path.read_bytes() for path in run.run.export.iterdir()}
    looks(run).unlink()

    def spoilt(name, path, pictures):
        return in_this_process(name, path, pictures // 2)

    monkeypatch.setattr(writing, "measure_file", spoilt)
    with pytest.raises(TuneError, match=r"model\.keras"):
        export(run)
    assert not looks(run).exists()
    assert not list(run.run.path.glob(".export-*"))
    assert {path.name: path.read_bytes() for path in run.run.export.iterdir()} == before
    assert not list(run.run.path.glob(".export*"))


def test_an_export_replaces_what_is_ours_and_keeps_what_is_not(run):
    export(run, formats=("litert",))
    mine = run.run.export / "notes.txt"
    mine.write_text("mine")
    (run.run.export / "folder").mkdir()
    (run.run.export / "folder" / "too").write_text("mine too")
    export(run)
    assert mine.read_text() == "mine"
    assert (run.run.export / "folder" / "too").read_text() == "mine too"
    # The older LiteRT file is of another model than the new model.keras.
    assert not (run.run.export / "model.tflite").exists()
    assert read_json(looks(run))["opened"] == 2


def test_a_card_that_was_edited_and_links_of_the_users_are_kept(run):
    export(run)
    folder = run.run.export
    assert not list(folder.glob("README.old*"))
    card = folder / "README.md"
    card.write_text(card.read_text() + "my words")
    (folder / "link").symlink_to("nowhere")
    export(run)
    assert "my words" in (folder / "README.old-1.md").read_text()
    assert "my words" not in card.read_text()
    assert (folder / "link").is_symlink()
    export(run)
    assert [path.name for path in folder.glob("README.old*")] == ["README.old-1.md"]
    (folder / "README.old-1.md").rename(folder / "README.old-2.md")
    for number, words in ((1, "more words"), (3, "the last words")):
        card.write_text(card.read_text() + words)
        export(run)
        assert words in (folder / f"README.old-{number}.md").read_text()
    assert "my words" in (folder / "README.old-2.md").read_text()


def test_an_export_killed_before_the_users_files_were_moved_moves_them_later(run):
    export(run)
    old = run.run.path / ".export-old"
    old.mkdir()
    (old / "notes.txt").write_text("mine")
    (old / "model.keras").write_text("an older model")
    with export_folder(run.run) as folder:
        (folder / "model.keras").write_text("a newer model")
    assert (run.run.export / "notes.txt").read_text() == "mine"
    assert (run.run.export / "model.keras").read_text() == "a newer model"
    assert not old.exists()


def test_a_run_of_an_older_version_is_refused_before_anything_is_trained(run):
    run.run.older_images.unlink()
    with pytest.raises(
        TuneError, match=rf"has no images\.columns.*tune run --resume {run.run.argument}"
    ):
        export(run)
    assert not (run.run.path / "repeats").exists()


def test_a_file_that_takes_more_than_was_asked_for_is_named(run):
    slow = Measured(np.zeros((1, 2), np.float32), Latency(0.02, 0.03), 1000, 500_000, 0.1)
    parities = check({"litert": slow}, np.zeros((1, 2), np.float32))
    for budget, warned in ((Budget(latency=0.015), True), (Budget(size=10**6), False)):
        said = Recorded()
        warn_of_cost(budget, parities, said)
        expected = "warning: model.tflite takes 20.0 ms, 0.5 MB this time"
        assert said.text.startswith(expected) == warned


def test_what_the_winners_files_cost_is_told_alike_everywhere(run):
    """What was measured of its shape before the choice gives way to what is exported."""
    slow = Measured(np.zeros((1, 2), np.float32), Latency(0.02, 0.03), 1000, 500_000, 0.1)
    files = check({"keras": slow, "litert": slow}, np.zeros((1, 2), np.float32))
    winner, other = (SimpleNamespace(record=SimpleNamespace(configuration=k)) for k in "12")
    before = {"1": Cost(0.05, 1), "2": Cost(0.07, 2)}
    choice = Choice(winner, [winner, other], before, "", None)
    assert with_measured(choice, files).costs == {**before, "1": Cost(0.02, 500_000)}
    unknown = replace(choice, costs={})
    assert with_measured(unknown, files) is unknown


def test_an_export_killed_between_two_renames_is_made_whole(run):
    export(run)
    run.run.export.rename(run.run.path / ".export-old")
    with pytest.raises(TuneError, match="cannot be promised"):
        export(run, precision=0.999)
    with pytest.raises(KeyboardInterrupt):
        export(run, stop=AT_ONCE)
    with export_folder(run.run):
        assert (run.run.export / "model.keras").exists()


def test_ctrl_c_leaves_nothing_behind(run):
    with pytest.raises(KeyboardInterrupt):
        export(run, stop=AT_ONCE)
    assert not run.run.export.exists()
    assert not list(run.run.path.glob(".export*"))
    assert not looks(run).exists()


def test_two_exports_of_one_run_do_not_meet(run):
    with locked(run.run, "export.lock"), pytest.raises(TuneError, match="works on this run"):
        export(run)
    with locked(run.run):  # a search that goes on is no hindrance
        assert export(run).files


def test_a_precision_that_too_few_images_can_show_is_refused(run):
    with pytest.raises(TuneError, match=r"--precision 0.99 cannot be promised: 6 valid.* 0.8571"):
        export(run, precision=0.99)
    assert not looks(run).exists()


def test_a_precision_that_the_model_does_not_reach_is_refused(scratch, tmp_path):
    run = finished_run(scratch, tmp_path, [("cnn", 0.5)])
    with pytest.raises(TuneError, match=r"--precision 0.8 cannot be promised: what the model"):
        export(run, precision=0.8)
    assert not looks(run).exists()


def test_a_frozen_backbone_is_exported_with_the_head_that_was_trained_on_its_features(
    transfer, tmp_path
):
    run = finished_run(transfer, tmp_path, [("transfer, frozen", 0.5)])
    model, history = retrain(run, load_records(run.run)[0], stop=NEVER, progress=QUIET)
    assert model.input_shape[1:] == (32, 32, 3)
    assert [logs["epoch"] for logs in history] == [0, 1]
    rows = np.concatenate([run.train, run.validation])
    answers = predict_rows(model, run.pixels, rows)
    right = answers.argmax(axis=1) == run.targets[rows]
    # The last epoch's training accuracy, dropout or not, is near what the whole model reaches.
    assert abs(right.mean() - history[-1]["accuracy"]) < 0.5


def test_the_winner_learns_from_validation_images_too(run, monkeypatch):
    seen = []

    class Watched(ModelCache):
        def training(self, experiment, *arguments):
            seen.append(sorted(experiment.train))
            return super().training(experiment, *arguments)

    monkeypatch.setattr("search.trial.retrain.ModelCache", Watched)
    retrain(run, load_records(run.run)[0], stop=NEVER, progress=QUIET)
    assert seen == [sorted([*run.train, *run.validation])]


@pytest.mark.parametrize("compiled", [False, True])
def test_the_rate_of_a_retraining_falls_to_0_wherever_the_best_epoch_was(scratch, compiled):
    values = values_for(scratch, "cnn", schedule="cosine", warmup=0.0)
    assert scratch.config.max_epochs > 2
    training = Training(scratch, values, rows=scratch.train, seed=0)
    model = training.build()
    if compiled:
        training.compile(model)
    train_epochs(training, model, epochs=2, update=QUIET.update, stop=NEVER)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0, abs=1e-9)


def test_the_head_on_its_backbone_answers_what_the_head_does_on_features(transfer, tmp_path):
    from search.trial.keras_setup import configuration_seed

    run = finished_run(transfer, tmp_path, [("transfer, frozen", 0.5)])
    values = load_records(run.run)[0].values
    training = ModelCache().training(run, values, configuration_seed(0, "0"), QUIET.update)
    head = training.build()
    whole = training.whole(head)
    on_pixels = predict_rows(whole, run.pixels, run.validation)
    np.testing.assert_allclose(on_pixels, training.validate(head), atol=1e-5)
    # Another head answers otherwise, so the weights did come along.
    other = training.build()
    other.set_weights([weight + 0.5 for weight in other.get_weights()])
    assert np.abs(training.validate(other) - on_pixels).max() > 1e-3
