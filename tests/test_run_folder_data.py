"""What a run writes down about its data, and reads again."""

import numpy as np
import pytest
from drawing import copy_of, draw, draw_folder
from recorded_progress import Recorded
from searching import run_config

from data_pipeline.preparation.prepare import open_catalog
from search.errors import DataGoneError, TuneError
from search.process.atomic_files import read_json, write_arrays, write_json
from search.process.progress import Silent
from search.run_folder.data import load_splits, require_written
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder
from search.trial.experiment import Experiment
from search.tuning.preparation.prepare_data import prepare_data


@pytest.fixture
def begun(photos, cache_dir, tmp_path):
    """A run folder with its data, and what it was made with."""
    run = RunFolder(tmp_path / "run")
    config = run_config(data=str(photos), validation=0.25, test=0.25)
    places = {"cache_dir": cache_dir, "progress": Recorded()}
    prepare_data(run, config, **places)
    config.save(run)
    return run, config, places


def test_row_i_of_the_pixels_is_image_i(begun, photos, cache_dir):
    run, _, _ = begun
    pictures = Images.load(run)
    kept = open_catalog(photos, cache_dir=cache_dir).kept
    assert pictures.root == photos.resolve()
    assert pictures.paths == tuple(entry.path for entry in kept)
    assert pictures.formats == tuple(entry.format for entry in kept)
    assert pictures.sizes.tolist() == [[entry.height, entry.width] for entry in kept]
    experiment = Experiment.load(run)
    assert len(experiment.pixels) == len(pictures.paths)
    labels = [path.split("/")[0] for path in pictures.paths]
    assert [experiment.class_names[k] for k in experiment.targets] == labels


def test_prepared_images_that_were_deleted_are_made_again_by_a_resume(begun):
    run, _, _ = begun
    experiment = Experiment.load(run)
    (path,) = experiment.files.values()
    aside = path.rename(path.with_suffix(".aside"))
    try:
        with pytest.raises(DataGoneError, match=rf"{path}: .*'tune run --resume {run.argument}'"):
            Experiment.load(run)
    finally:
        aside.rename(path)


def test_images_to_test_on_are_no_part_of_what_classes_are_weighted_by(begun):
    run, _, _ = begun
    targets = np.load(run.targets)
    cats, dogs = np.flatnonzero(targets == 0), np.flatnonzero(targets == 1)
    write_arrays(run.splits, train=[cats[0], *dogs[2:]], validation=dogs[:1], test=cats[1:])
    experiment = Experiment.load(run)
    assert experiment.class_counts == (1, len(dogs) - 1)
    # A part of the images has the same classifier: its weights would else change on the way.
    assert experiment.part(2).classifier.options.class_counts == experiment.class_counts
    assert experiment.classifier.options.class_counts == experiment.class_counts


def test_files_that_are_set_aside_are_written_down_with_their_reason(cache_dir, tmp_path):
    photos = draw_folder(tmp_path / "photos", {"cat": 8, "dog": 8})
    (photos / "cat" / "notes.jpg").write_text("no image")
    run = RunFolder(tmp_path / "run")
    places = {"cache_dir": cache_dir, "progress": Silent()}
    prepare_data(run, run_config(data=str(photos), validation=0.25, test=0.25), **places)
    (row,) = read_json(run.excluded)
    assert (row["path"], row["reason"]) == ("cat/notes.jpg", "not an image")
    assert len(row["content_hash"]) == 32  # by which it is known to be the same file


def test_a_run_that_goes_on_keeps_the_splits_it_was_begun_with(begun):
    run, config, places = begun
    before = load_splits(run)
    swapped = {"train": before.train, "validation": before.test, "test": before.validation}
    write_arrays(run.splits, **swapped)  # as another version might have dealt them
    prepare_data(run, config, **places)
    after = load_splits(run)
    np.testing.assert_array_equal(after.test, before.validation)
    np.testing.assert_array_equal(after.validation, before.test)


def test_given_splits_that_leak_are_warned_of_and_written_down(cache_dir, tmp_path):
    data = tmp_path / "leaky"
    for split in ("train", "test"):
        draw_folder(data / split, {"cat": 4, "dog": 4})
        draw(len(split)).save(data / split / "cat" / "own.png")
    run, said = RunFolder(tmp_path / "run"), Recorded()
    prepare_data(
        run,
        run_config(data=str(data), validation=0.25, test=0.25),
        cache_dir=cache_dir,
        progress=said,
    )
    warning = "test: 8 of 9 images (88.9 %) are copies of images in train"
    assert said.text.count(warning) == 1
    (leak,) = read_json(run.data)["leaks"]
    assert leak.items() >= {"split": "test", "other": "train", "pictures": 8, "of": 9}.items()
    assert "groups" not in leak


def test_a_video_that_is_dealt_over_train_and_validation_is_warned_of(cache_dir, tmp_path):
    """Beside a test set that the folder gives."""
    data, said = tmp_path / "video", Recorded()
    for split, count in (("train", 6), ("test", 2)):
        draw_folder(data / split, {"cat": count, "dog": count})
    for frame in range(24):
        copy = copy_of(draw(99, (200, 160)), quality=60 + frame)
        copy.save(data / "train" / "cat" / f"frame {frame}.png")
    config = run_config(data=str(data), validation=0.25, test=0.25)
    prepare_data(RunFolder(tmp_path / "run"), config, cache_dir=cache_dir, progress=said)
    assert "24 images are in a group of near-copies" in said.text
    assert read_json(tmp_path / "run" / "data.json")["dealt_apart"] == 24


def test_a_run_that_deals_its_own_splits_has_no_leaks(begun):
    run, _, places = begun
    assert read_json(run.data)["leaks"] == []
    assert "copies" not in places["progress"].text


def test_a_run_without_its_images_says_so(begun):
    run, _, _ = begun
    whole = run.images.read_bytes()
    for broken in (whole[:-1], b"", b"[]", whole.replace(b"I64", b"I32", 1)):
        run.images.write_bytes(broken)
        with pytest.raises(TuneError, match="images.columns: not as tune writes it; .* --resume"):
            Images.load(run)
    run.images.unlink()
    with pytest.raises(TuneError, match="no such file"):
        Images.load(run)


def test_images_that_an_older_version_wrote_are_read_and_written_anew(begun):
    run, config, places = begun
    images = Images.load(run)
    lists = ("paths", "formats", "pixel_hashes")
    values = {name: list(getattr(images, name)) for name in lists}
    values |= {"root": str(images.root), "sizes": images.sizes.tolist()}
    run.images.unlink()
    write_json(run.older_images, values)
    older = Images.load(run)
    assert all(getattr(older, name) == getattr(images, name) for name in lists)
    np.testing.assert_array_equal(older.sizes, images.sizes)
    require_written(run, run.images)
    prepare_data(run, config, **places)
    assert not run.older_images.exists()
    assert Images.load(run).paths == images.paths


def test_images_to_validate_on_that_the_folder_gives_are_known_as_such(begun, cache_dir, tmp_path):
    run, _, _ = begun
    drawn = Experiment.load(run)
    assert read_json(run.data)["given"] == []
    np.testing.assert_array_equal(drawn.groups, np.load(run.groups))
    parts = {"train": {"cat": 8, "dog": 8}, "val": {"cat": 4, "dog": 4}}
    for name, classes in parts.items():
        draw_folder(tmp_path / "given" / name, classes)
    other, data = RunFolder(tmp_path / "other"), str(tmp_path / "given")
    config = run_config(data=data, validation=0.25, test=0.25)
    prepare_data(other, config, cache_dir=cache_dir, progress=Recorded())
    config.save(other)
    assert "validation" in read_json(other.data)["given"]
    assert Experiment.load(other).groups is None
