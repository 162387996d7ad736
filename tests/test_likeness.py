"""Whether images are like others: the statistics, and `tune predict --check`."""

import csv
import io
import json

import keras
import numpy as np
import pytest
from drawing import draw_folder
from finished_runs import in_this_process
from keras import layers
from PIL import Image

from models.inner_outputs import with_inner_outputs
from search.api import tune
from search.cli import _run
from search.errors import TuneError
from search.evaluation.likeness import (
    energy_test,
    neighbour_distances,
    threshold,
    unit_rows,
)
from search.evaluation.reservoir import Reservoir
from search.export import writing
from search.inference.classifier import Classifier, Prediction
from search.likeness import reference
from search.likeness.check import Check, Checked
from search.likeness.embedding import Embedding
from search.likeness.reference import Reference, reference_of
from search.process.progress import Silent


def drawn(count, centre, seed):
    rows = np.random.default_rng(seed).normal(0, 1, (count, 8)) + np.asarray(centre)
    return unit_rows(rows.astype(np.float32))


@pytest.fixture(scope="module")
def known():
    return drawn(300, 4 * np.eye(8)[0], 0)


def test_rows_have_length_one_and_nothing_stays_nothing():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]


def test_the_distance_is_that_to_the_tenth_nearest():
    known = np.linspace(0, 1.9, 20, dtype=np.float32)[:, None]
    assert neighbour_distances(np.zeros((1, 1), np.float32), known) == pytest.approx([0.9])
    assert neighbour_distances(np.zeros((1, 1), np.float32), known[:3]) == pytest.approx([0.2])


def test_the_threshold_is_exceeded_as_often_as_is_said():
    distances = np.arange(1.0, 100.0)  # 99: a hundredth image has each place alike
    assert threshold(distances, 0.05) == 95.0
    assert threshold(distances[:19], 0.05) == 19.0
    assert threshold(distances[:18], 0.05) == np.inf


def test_false_alarms_keep_to_the_rate_and_what_is_far_is_seen(known):
    limit = threshold(neighbour_distances(drawn(300, 4 * np.eye(8)[0], 1), known), 0.05)
    alike = neighbour_distances(drawn(1000, 4 * np.eye(8)[0], 2), known) > limit
    other = neighbour_distances(drawn(1000, 4 * np.eye(8)[1], 3), known) > limit
    assert 0.02 < alike.mean() < 0.09
    assert other.mean() > 0.95


def test_the_test_of_two_samples_keeps_its_level_and_sees_a_shift():
    centre = 2 * np.eye(8)[0]
    values = [
        energy_test(drawn(30, centre, 2 * n), drawn(40, centre, 2 * n + 1), seed=n)
        for n in range(60)
    ]
    assert 0 <= sum(value <= 0.05 for value in values) <= 8
    assert 0.3 < np.mean(values) < 0.7
    assert energy_test(drawn(30, centre, 1), drawn(40, centre + 0.8, 2)) == 0.001


def test_the_embedding_is_what_the_last_layer_is_given():
    images = keras.Input((4, 4, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(5, 3)(images))
    model = keras.Model(images, layers.Dense(2, activation="softmax")(x))
    outer = keras.Model(images, model(layers.Rescaling(0.5)(images)))
    inside = with_inner_outputs(outer)(np.ones((2, 4, 4, 3), np.float32))
    expected = keras.Model(images, x)(np.full((2, 4, 4, 3), 0.5, np.float32))
    np.testing.assert_allclose(inside["embedding"], expected, rtol=1e-5)
    watched = Embedding(outer)
    pixels = np.random.default_rng(0).integers(0, 255, (3, 4, 4, 3), np.uint8)
    np.testing.assert_allclose(
        watched.predict_on_batch(pixels), outer.predict_on_batch(pixels), rtol=1e-5
    )
    rows = watched.taken()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=1e-5)
    assert (len(rows), len(watched.taken())) == (3, 0)


def test_a_model_that_does_not_end_in_a_dense_layer_is_refused():
    images = keras.Input((4, 4, 3))
    with pytest.raises(TuneError, match="does not end in a dense layer"):
        Embedding(keras.Model(images, layers.GlobalAveragePooling2D()(images)))


class Answers:
    """A stand-in for the model behind a check: the embedding of image n is that of its number."""

    columns = 8

    def __init__(self, rows):
        self.rows, self.waiting = rows, []

    def taken(self):
        waiting, self.waiting = self.waiting, []
        return self.rows[waiting]


def test_what_is_far_is_marked_in_the_order_of_the_images(known, monkeypatch):
    """In batches of two; the third cannot be read."""
    alike, other = drawn(1, 4 * np.eye(8)[0], 5), drawn(1, 4 * np.eye(8)[1], 5)
    answers = Answers(np.concatenate([alike, other] * 2))
    monkeypatch.setattr("search.likeness.check.Embedding", lambda model: answers)
    check = Check(
        Classifier(None, ("a", "b"), (4, 4), "squeeze"),
        Reference(known, drawn(300, 4 * np.eye(8)[0], 1)),
    )

    def predictions():
        answers.waiting = [0, 1]
        yield from (Prediction("0", {"a": 1.0}), Prediction("1", {"a": 1.0}))
        answers.waiting = [2, 3]
        yield Prediction("x", error="no image")
        yield from (Prediction("2", {"a": 1.0}), Prediction("3", {"a": 1.0}))

    noted = list(check.noted(predictions()))
    assert [each.unlike for each in noted] == [False, True, None, False, True]
    assert noted[1].line() == "1  a 100.0 % (unlike the training images)"
    assert noted[2].line().endswith("error: no image")
    assert check.result() == Checked(4, 2, None)


def test_of_any_number_of_rows_few_are_kept_each_as_likely_as_any_other():
    counts = np.zeros(200)
    for seed in range(100):
        chosen = Reservoir(40, seed=seed)
        for number in range(200):
            chosen.add(np.full(8, number))
        kept = [int(row[0]) for row in chosen.rows]
        assert (chosen.seen, len(kept), len(set(kept))) == (200, 40, 40)
        counts[kept] += 1
    # 20 of 100 are expected of each, with a standard deviation of 4.
    assert abs(counts[:100].mean() - counts[100:].mean()) < 2.5
    assert counts.min() > 2


def test_embeddings_of_another_model_are_refused(known):
    Reference(known, known).require_columns(8)
    for other in (Reference(known, known[:, :7]), Reference(known[:, :7], known[:, :7])):
        with pytest.raises(TuneError, match="is not of its exported model"):
            other.require_columns(8)


def test_what_is_known_of_all_together_is_said():
    alone = Checked(9, 1, None).in_words()
    assert alone == [
        "1 of 9 photos are unlike the training images (of photos of the same kind 5 % are called "
        "so)"
    ]
    assert Checked(30, 1, 0.5).in_words()[1].startswith("together they are not shown to differ (p")
    assert (
        Checked(30, 9, 0.001)
        .in_words()[1]
        .startswith("together they differ from the test images (p = 0.001")
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An exported run on drawn photos, and black images, which are none of them."""
    folder = tmp_path_factory.mktemp("likeness")
    draw_folder(folder / "photos", {"cat": 80, "dog": 80})
    (folder / "black").mkdir()
    for number in range(12):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(folder / "black" / f"{number}.png")
    run = tune(
        folder / "photos",
        name="run",
        results=folder / "results",
        cache_dir=folder / "cache",
        families="cnn",
        image_size=32,
        max_epochs=2,
        algo="random",
        max_trials=1,
        workers=0,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "measure_file", in_this_process)
        run.export(seeds=0)
    return folder, run


@pytest.mark.slow
def test_photos_are_checked_against_the_images_of_the_run(place, capsys):
    folder, run = place
    export = str(run.folder.export)
    assert _run(["predict", export, str(folder / "black"), "--check", "--json"]) == 0
    said = capsys.readouterr()
    rows = json.loads(said.out)
    assert len(rows) == 12
    assert all(isinstance(row["unlike"], bool) for row in rows)
    unlike = sum(row["unlike"] for row in rows)
    assert f"{unlike} of 12 photos are unlike the training images" in said.err
    assert "together they differ from the test images (p = 0.001" in said.err
    (kept,) = run.path.glob("likeness-*.npz")
    before = kept.stat().st_mtime_ns
    assert _run(["predict", export, str(folder / "photos"), "--check", "--csv"]) == 0
    said = capsys.readouterr()
    table = list(csv.DictReader(io.StringIO(said.out)))
    marks = [row["unlike"] for row in table]
    assert set(marks) <= {"", "unlike"}
    assert f"{marks.count('unlike')} of 160 photos" in said.err
    assert kept.stat().st_mtime_ns == before, "what is known is not computed again"
    assert _run(["predict", export, str(folder / "black")]) == 0
    assert "unlike" not in capsys.readouterr().out


@pytest.mark.slow
def test_another_export_has_a_reference_of_its_own(place):
    _, run = place
    (before,) = run.path.glob("likeness-*.npz")
    model = run.folder.export / "model.keras"
    content, classifier = model.read_bytes(), run.exported.classifier
    try:
        model.write_bytes(content + b" ")
        reference_of(run.folder, classifier, Silent())
    finally:
        model.write_bytes(content)
    (after,) = run.path.glob("likeness-*.npz")
    assert after.name != before.name


@pytest.mark.slow
def test_a_run_that_is_only_to_be_read_is_compared_with_all_the_same(place, monkeypatch):
    _, run = place
    kept = list(run.path.glob("likeness-*.npz"))
    model = run.folder.export / "model.keras"
    content, classifier = model.read_bytes(), run.exported.classifier

    def refused(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("search.likeness.reference.write_arrays", refused)
    monkeypatch.setattr("pathlib.Path.unlink", refused)
    try:
        model.write_bytes(content + b"  ")  # as after another export
        assert len(reference_of(run.folder, classifier, Silent()).tested) > 0
    finally:
        model.write_bytes(content)
    assert list(run.path.glob("likeness-*.npz")) == kept


@pytest.mark.slow
def test_what_cannot_be_compared_is_refused(place, tmp_path, capsys, monkeypatch):
    folder, run = place
    (tmp_path / "copy").mkdir()
    for name in ("model.keras", "labels.json"):
        (tmp_path / "copy" / name).write_bytes((run.folder.export / name).read_bytes())
    photo = str(folder / "black" / "0.png")
    with monkeypatch.context() as patched:  # before the model is loaded, which takes seconds
        patched.setattr("search.formats.classifier.load_exported", lambda path: 1 / 0)
        assert _run(["predict", str(tmp_path / "copy"), photo, "--check"]) == 1
    assert "expected a run, its export, or the .keras file in it" in capsys.readouterr().err
    monkeypatch.setattr(reference, "LEAST", 1000)
    for kept in run.path.glob("likeness-*.npz"):
        kept.unlink()
    assert _run(["predict", str(run.folder.export), photo, "--check"]) == 1
    assert "1000 are needed to tell what is unlike them" in capsys.readouterr().err
