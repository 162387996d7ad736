"""Images of which the disk holds only the first ones: the others are decoded as they are needed."""

import os
import shutil
import warnings

import numpy as np
import pytest
import tensorflow as tf
from drawing import draw, draw_folder

from data_pipeline.augment.augment import augmenter
from data_pipeline.errors import DataError
from data_pipeline.pixels.dataset import training_batches
from data_pipeline.pixels.device_feed import DeviceFeed
from data_pipeline.pixels.partly_prepared import Originals, PartlyPrepared
from data_pipeline.pixels.prepared import Donor
from data_pipeline.preparation.prepare import prepare
from search.api import plan, resume, tune
from search.cli import _run
from search.errors import DataGoneError, TuneError
from search.process.cache_use import clear_cache, use_of
from search.run_folder.record_files import load_records
from search.trial.experiment import Experiment
from search.trial.features.cache import _make_room
from search.tuning.images_disk import ImagesDisk

ROW = 8 * 8 * 3
FAMILIES = {"families": "cnn", "image_size": 16, "max_epochs": 2, "algo": "random"}
SMALL = FAMILIES | {"max_trials": 2, "workers": 0, "deterministic": True}


@pytest.fixture
def photos(tmp_path):
    """Ten images and two files that are none, between them."""
    folder = draw_folder(tmp_path / "photos", {"cat": 5, "dog": 5})
    (folder / "cat" / "cat_1a.png").write_bytes(b"no image")
    (folder / "dog" / "dog_9.png").write_bytes(b"")
    return folder


def made(photos, cache_dir, rows=None, sizes=((8, 8),), **options):
    room = None if rows is None else lambda used: rows * ROW
    return prepare(photos, image_sizes=sizes, cache_dir=cache_dir, room=room, **options)


def read(catalog, pixels, mode="squeeze"):
    def find():
        return catalog.root, catalog.kept.files.paths

    return PartlyPrepared(pixels.open(), len(catalog.kept), Originals(find, mode))


@pytest.mark.parametrize("rows", [0, 1, 4, 11])
@pytest.mark.parametrize("mode", ["squeeze", "crop", "pad"])
def test_rows_are_those_of_images_that_are_all_prepared(photos, tmp_path, rows, mode, in_process):
    _, (whole,) = made(photos, tmp_path / "whole", resize_mode=mode)
    catalog, (part,) = made(photos, tmp_path / "part", rows, resize_mode=mode)
    assert len(part.open()) == np.count_nonzero(catalog.table.kept[:rows])
    assert part.path.stat().st_size <= rows * ROW + 128
    images, expected = read(catalog, part, mode), whole.open()
    assert (len(images), images.shape, images.nbytes) == (10, expected.shape, expected.nbytes)
    mixed = np.array([9, 0, 3, 9, 5])
    for chosen in (mixed, slice(2, 7), 0, 9, -1, mixed[:0], np.arange(10) % 3 == 0):
        assert np.array_equal(images[chosen], expected[chosen])
    for wrong in (10, -11, [3, 10]):
        with pytest.raises(IndexError, match="expected numbers below 10"):
            images[wrong]


def test_images_that_all_fit_are_all_prepared(photos, cache_dir, in_process):
    _, (whole,) = made(photos, cache_dir)
    shutil.rmtree(cache_dir)
    _, (again,) = made(photos, cache_dir, 12)
    assert again == whole


def test_sizes_share_the_room_by_files(photos, cache_dir, in_process):
    _, pixels = made(photos, cache_dir, 20, sizes=((8, 8), (16, 16)))
    assert [each.first for each in pixels] == [4, 4]  # 20 rows of 8×8 are 4 and 4 of 16×16


def test_what_is_there_is_taken_and_more_room_makes_more(photos, cache_dir, in_process):
    _, (part,) = made(photos, cache_dir, 6)
    del in_process[:]
    assert made(photos, cache_dir, 6)[1] == (part,)
    assert made(photos, cache_dir, 5)[1] == (part,)
    assert in_process == []
    _, (more,) = made(photos, cache_dir, 9)
    assert more.first == 9
    assert len(in_process) == 8  # the usable ones of nine files; no other is decoded
    assert made(photos, cache_dir, 0)[1] == (more,)
    _, (whole,) = made(photos, cache_dir)
    assert whole.first is None
    assert made(photos, cache_dir, 0)[1] == (whole,)
    assert more.path.with_suffix(".features") == whole.path.with_suffix(".features")


def test_what_is_there_counts_as_used(photos, cache_dir, in_process):
    _, (part,) = made(photos, cache_dir, 6)
    _, (whole,) = made(photos, cache_dir, sizes=((4, 4),))
    asked = []

    def room(used):
        asked.append(used)
        return used + ROW

    made_now = prepare(photos, image_sizes=((8, 8), (4, 4)), cache_dir=cache_dir, room=room)[1]
    there = [each.path.stat().st_size for each in (part, whole)]
    assert asked == [sum(there)]
    assert [each.first for each in made_now] == [(there[0] + ROW) // ROW, None]


def test_a_damaged_part_is_made_again(photos, cache_dir, in_process):
    catalog, (part,) = made(photos, cache_dir, 6)
    before = part.open().copy()
    part.path.write_bytes(part.path.read_bytes()[:-1])
    assert made(photos, cache_dir, 6) == (catalog, (part,))
    assert np.array_equal(part.open(), before)


def test_copies_of_another_data_set_fill_the_part(photos, tmp_path, in_process):
    catalog, (whole,) = made(photos, tmp_path / "cache")
    rows = {key: row for row, key in enumerate(catalog.kept.pixel_hashes)}
    donors = {(8, 8): Donor(whole.open(), rows)}
    shutil.copytree(photos, tmp_path / "others")
    prepare(tmp_path / "others", image_sizes=((4, 4),), cache_dir=tmp_path / "cache2")
    del in_process[:]
    _, (part,) = made(tmp_path / "others", tmp_path / "cache2", 6, donors=donors)
    assert in_process == []
    assert np.array_equal(part.open(), whole.open()[:5])


@pytest.mark.parametrize("resident", [None, False])
def test_batches_are_those_of_images_that_are_all_prepared(photos, cache_dir, resident, in_process):
    catalog, (whole,) = made(photos, cache_dir / "1")
    _, (part,) = made(photos, cache_dir / "2", 4)
    images = read(catalog, part)
    targets = catalog.targets.astype(np.int32)
    options = {"batch_size": 4, "seed": 3, "initial_epoch": 0, "epochs": 2}

    def batches(pixels):
        if resident is None:
            augment = augmenter(policy="basic", strength=0.5, erasing=0.2, mix="mixup")
            options.update(num_classes=2, augment=augment)
            return list(training_batches(pixels, targets, np.arange(10), **options))
        feed = DeviceFeed(pixels, targets, num_classes=2, device="CPU:0", resident=False)
        return [feed.batch(element) for element in feed.stream(np.arange(10), **options)]

    for ours, theirs in zip(batches(images), batches(whole.open()), strict=True):
        assert ours[0].shape == theirs[0].shape == (4, 8, 8, 3)
        assert np.array_equal(ours[0], theirs[0])
        assert np.array_equal(ours[1], theirs[1])


def test_a_file_that_is_gone_is_named_also_by_a_stream(photos, cache_dir, in_process):
    catalog, (part,) = made(photos, cache_dir, 4)
    images = read(catalog, part)
    gone = photos / catalog.kept[7].path
    gone.unlink()
    with pytest.raises(DataError, match=f"{gone}: unreadable.*usable image when it was checked"):
        images[[6, 7]]
    stream = training_batches(
        images, catalog.targets, np.arange(10), num_classes=2, batch_size=5, seed=0,
        initial_epoch=0, epochs=1,
    )  # fmt: skip
    with pytest.raises(DataError, match="dog"), images._originals.naming_lost_files():
        list(stream)
    with pytest.raises(tf.errors.OpError):
        list(stream)


def test_warnings_are_left_as_they_were(photos, cache_dir, in_process):
    catalog, (part,) = made(photos, cache_dir, 4)
    images = read(catalog, part)
    before = list(warnings.filters)
    images[4:]
    assert list(warnings.filters) == before


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("partly")
    draw_folder(folder / "photos", {"cat": 12, "dog": 12})
    return folder


def searched(place, name, **options):
    folders = {"results": place / "results", "cache_dir": place / name}
    return tune(place / "photos", name=name, **folders, **SMALL, **options)


@pytest.mark.usefixtures("one_number_for_one_sum")
def test_a_search_finds_the_same_with_any_disk(place, capsys):
    whole = searched(place, "whole")
    disk = {"disk": 10 * 16 * 16 * 3}
    part = searched(place, "part", **disk)
    experiment = Experiment.load(part.folder)
    assert experiment.prepared() == {(16, 16): 8}
    assert isinstance(experiment.pixels, PartlyPrepared)
    assert experiment.features_disk == disk["disk"] // 5

    def results(run):
        records = load_records(run.folder)
        return [(each.values, each.history, each.score, each.best_epoch) for each in records]

    assert results(part) == results(whole)
    known = use_of(place / "part").rows[1]
    assert (known.what, known.files) == ("prepared images", 1)

    # The run goes on with what there is room for at that time.
    clear_cache(place / "part")
    again = resume(part, cache_dir=place / "part", workers=0)
    assert Experiment.load(again.folder).prepared() == {(16, 16): 24}
    assert results(again) == results(whole)


def test_the_plan_says_how_many_images_are_prepared(place, capsys):
    args = ["run", place / "photos", "--dry-run", "--families", "cnn", "--image-size", "16"]
    args += ["--cache-dir", place / "planned", "--results", place / "results"]
    assert _run([*map(str, args), "--disk", "10KB"]) == 0
    said = capsys.readouterr().err
    assert "disk: 0 MB for prepared images, up to" in said
    assert "41.7 % of the images are prepared; the others are decoded" in said
    planned = plan(place / "photos", cache_dir=place / "planned", disk=10_000, **SMALL)
    assert (planned.prepared_share, planned.images_disk) == (10 / 24, 10 * 16 * 16 * 3)
    assert _run([*map(str, args)]) == 0
    assert "of the images are prepared" not in capsys.readouterr().err


def test_a_search_ends_where_a_file_is_gone_that_was_not_prepared(place, tmp_path):
    shutil.copytree(place / "photos", tmp_path / "photos")
    planned = {"results": tmp_path / "results", "cache_dir": tmp_path / "cache", "disk": 768}
    begun = []

    def lose(record):
        for path in (tmp_path / "photos").glob("*/*_1*.png"):
            path.unlink()
        begun.append(record)

    with pytest.raises(DataGoneError, match=r"_1.*\.png: unreadable.*put it back"):
        tune(tmp_path / "photos", name="lost", **planned, **SMALL, on_trial=lose)
    assert len(begun) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--disk", "5"], "'5' is no size"),
        (["--disk", "1GB", "--cluster", "local:2"], "leave one out"),
        (["--cluster", "local:2", "--disk", "1GB"], "leave one out"),
    ],
)
def test_a_disk_that_is_no_size_or_not_of_this_machine_is_refused(options, said, place, capsys):
    assert _run(["run", str(place / "photos"), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_disk_of_nothing_is_refused_in_python(place):
    with pytest.raises(TuneError, match="expected bytes above 0"):
        tune(place / "photos", disk=0, **SMALL)


def test_images_take_four_fifths_of_the_limit_or_of_half_of_what_is_free(tmp_path, monkeypatch):
    assert ImagesDisk(1000).images(tmp_path, used=50) == 800
    assert ImagesDisk(1000).features == 200
    monkeypatch.setattr("search.tuning.images_disk.free_bytes", lambda path: 900)
    assert ImagesDisk().images(tmp_path, used=100) == 400
    assert ImagesDisk().features is None


def test_features_keep_to_their_part(tmp_path):
    folder = tmp_path / "a.features"
    for age, name in enumerate(("new", "old")):
        path = folder / "net" / f"{name}.f32"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(8192))
        os.utime(path, (1000 - age, 1000 - age))
    _make_room(folder, 8192, limit=20_000)
    assert [path.name for path in folder.glob("*/*")] == ["new.f32"]


def test_an_image_like_no_other_is_decoded_where_it_lies(tmp_path):
    draw(1, (30, 20)).save(tmp_path / "one.png")
    images = PartlyPrepared(
        np.empty((0, 8, 8, 3), np.uint8),
        1,
        Originals(lambda: (tmp_path, ["one.png"]), "squeeze"),
    )
    assert images[0].std() > 10
