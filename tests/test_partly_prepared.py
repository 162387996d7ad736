"""Images of which the disk holds only the first ones: the others are decoded as they are needed."""

import shutil
import warnings

import numpy as np
import pytest
import tensorflow as tf
from drawing import draw, draw_folder
from PIL import Image

from data_pipeline.augment.augment import augmenter
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.columns.writing import write_columns
from data_pipeline.decoding.decode import decode, read_bytes
from data_pipeline.decoding.hashes import content_hash, pixel_hash
from data_pipeline.errors import BadImageError, DataError
from data_pipeline.pixels import partly_prepared as module
from data_pipeline.pixels.dataset import to_train_on, training_batches
from data_pipeline.pixels.device_feed import DeviceFeed
from data_pipeline.pixels.partly_prepared import OriginalFiles, Originals, PartlyPrepared
from data_pipeline.pixels.prepared import Donor, largest_there
from data_pipeline.preparation.prepare import prepare
from data_pipeline.processes.cores import own_cores, share_with
from search.api import tune
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder
from search.tuning.preparation.prepare_data import _donors

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
    room = None if rows is None else lambda used, files: rows * ROW
    return prepare(photos, image_sizes=sizes, cache_dir=cache_dir, room=room, **options)


def first_of(prepared):
    catalog, (pixels,) = prepared
    return catalog, pixels


def read(catalog, pixels, mode="squeeze"):
    def find():
        kept = catalog.kept
        hashes = kept.pixel_hashes, kept.content_hashes
        return OriginalFiles(catalog.root, kept.files.paths, *hashes)

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
    assert made(photos, cache_dir, 7)[1] == (part,)  # hardly more: not worth decoding them
    before = part.open().copy()
    _, (more,) = made(photos, cache_dir, 9)
    assert more.first == 9
    assert len(in_process) == 3  # what was there is copied
    assert np.array_equal(more.open()[:5], before)
    assert not part.path.exists()
    assert made(photos, cache_dir, 0)[1] == (more,)
    _, (whole,) = made(photos, cache_dir)
    assert whole.first is None
    assert made(photos, cache_dir, 0)[1] == (whole,)
    assert more.path.with_suffix(".features") == whole.path.with_suffix(".features")
    assert not more.path.exists()
    for gone in (part, more):  # as a run has noted it
        assert largest_there(gone.path) == whole.path
    whole.path.unlink()
    with pytest.raises(FileNotFoundError):
        largest_there(part.path)


def test_files_that_are_new_do_not_lift_the_limit(photos, cache_dir, in_process):
    made(photos, cache_dir)
    draw(77).save(photos / "dog" / "dog_5.png")
    _, (part,) = made(photos, cache_dir, 4)
    assert part.first == 4
    assert part.path.stat().st_size <= 4 * ROW + 128


def test_what_is_there_counts_as_used(photos, cache_dir, in_process):
    _, (part,) = made(photos, cache_dir, 6)
    _, (whole,) = made(photos, cache_dir, sizes=((4, 4),))
    asked = []

    def room(used, files):
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


def test_a_run_gives_those_of_its_images_that_are_prepared(photos, tmp_path):
    """With copies: the last of each hash may be a row that is not there."""
    shutil.copy(photos / "cat" / "cat_0.png", photos / "dog" / "dog_7.png")
    options = {"results": tmp_path / "results", "cache_dir": tmp_path / "cache"}
    run = tune(photos, name="first", disk=9 * 16 * 16 * 3, **options, **SMALL)
    ((size, donor),) = _donors(run.folder, run.config).items()
    assert size == (16, 16)
    known = Images.load(run.folder).pixel_hashes
    assert len(donor.pixels) == 6
    assert dict(donor.rows) == {known[row]: row for row in range(6)}
    assert known[0] == known[-1]


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
    with pytest.raises(DataError, match=f"{gone}: unreadable.*usable when it was checked"):
        images[[6, 7]]
    stream = training_batches(
        images, catalog.targets, np.arange(10), num_classes=2, batch_size=5, seed=0,
        initial_epoch=0, epochs=1,
    )  # fmt: skip
    with pytest.raises(DataError, match="dog"), images._originals.naming_lost_files():
        list(stream)
    with pytest.raises(tf.errors.OpError):
        list(stream)
    # What goes wrong later for another reason is not said to be the fault of that file.
    with pytest.raises(ValueError, match="other"), images._originals.naming_lost_files():
        raise ValueError("other")


def test_a_file_that_is_another_by_now_is_not_taken_for_the_one_that_was_checked(
    photos, cache_dir, in_process
):
    catalog, (part,) = made(photos, cache_dir, 4)
    images = read(catalog, part)
    draw(78).save(photos / catalog.kept[7].path)
    with pytest.raises(DataError, match="is another image by now; it was usable"):
        images[7]
    assert images[8].any()


def test_a_disk_that_is_slow_for_a_moment_is_asked_again(
    photos, cache_dir, in_process, monkeypatch
):
    catalog, (part,) = made(photos, cache_dir, 4)
    images, asked = read(catalog, part), []

    def slow(path):
        asked.append(path)
        if len(asked) < 3:
            raise BadImageError("unreadable: stale file handle")
        return read_bytes(path)

    monkeypatch.setattr(module, "read_bytes", slow)
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    assert images[7].any()
    assert len(asked) == 3


def test_too_little_memory_is_no_lost_file(photos, cache_dir, in_process, monkeypatch):
    catalog, (part,) = made(photos, cache_dir, 4)
    images = read(catalog, part)

    def full(contents, **_):
        raise BadImageError("out of memory") from MemoryError()

    monkeypatch.setattr(module, "decode_warning", full)
    with pytest.raises(MemoryError):
        images[7]
    stream = training_batches(
        images, catalog.targets, np.arange(10), num_classes=2, batch_size=5, seed=0,
        initial_epoch=0, epochs=1,
    )  # fmt: skip
    with pytest.raises(tf.errors.ResourceExhaustedError), images._originals.naming_lost_files():
        list(stream)
    assert images._originals.lost is None


def test_no_rows_are_no_images(photos, cache_dir, in_process):
    images = read(*first_of(made(photos, cache_dir, 4)))
    for nothing in ([], np.arange(0), slice(3, 3)):
        assert images[nothing].shape == (0, 8, 8, 3)


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr("data_pipeline.processes.cores.cores", lambda: 8)
    monkeypatch.setattr("data_pipeline.processes.cores._sharing.processes", 1)
    assert own_cores() == 8
    share_with(3)
    assert own_cores() == 2
    share_with(20)
    assert own_cores() == 1


def test_warnings_are_left_as_they_were(photos, cache_dir, in_process):
    catalog, (part,) = made(photos, cache_dir, 4)
    images = read(catalog, part)
    images[4:]
    before = list(warnings.filters)
    images[4:]
    assert list(warnings.filters) == before


def smooth_photo(path, orientation):
    """A JPEG of 480×360 pixels that is red above, green on the right and has waves."""
    y, x = np.mgrid[0:360, 0:480] / 480
    waves = 40 * np.sin(20 * x + 9 * y)
    pixels = np.stack([200 - 200 * y, 40 + 160 * x, 120 + waves], axis=-1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels.astype(np.uint8)).save(path, exif=exif, quality=95)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("mode", ["squeeze", "crop", "pad"])
def test_to_train_on_jpegs_may_be_decoded_smaller(tmp_path, orientation, mode, monkeypatch):
    smooth_photo(tmp_path / "one.jpg", orientation)
    contents = (tmp_path / "one.jpg").read_bytes()
    exact_hash = pixel_hash(decode(contents)[0])
    known = OriginalFiles(tmp_path, ["one.jpg"], [exact_hash], [content_hash(contents)])
    originals = Originals(lambda: known, mode)
    images = PartlyPrepared(np.empty((0, 100, 40, 3), np.uint8), 1, originals)
    sizes = []
    real = module.decode_warning

    def decoded(contents, **options):
        pixels, name = real(contents, **options)
        sizes.append(pixels.shape[:2])
        return pixels, name

    monkeypatch.setattr(module, "decode_warning", decoded)
    exact, rough = images[[0]].astype(int), to_train_on(images)[[0]].astype(int)
    whole = (360, 480) if orientation == 1 else (480, 360)
    # A quarter of the sides is enough only where it lies: then it is 480 pixels high.
    assert sizes == [whole, (180, 240) if orientation == 1 else (120, 90)]
    assert 0 < np.abs(exact - rough).mean() < 1.5
    assert np.array_equal(images[[0]], exact)  # all others see what it is


def test_a_file_that_was_written_anew_is_decoded_as_a_whole(tmp_path):
    smooth_photo(tmp_path / "one.jpg", 1)
    pixels, _ = decode((tmp_path / "one.jpg").read_bytes())
    Image.fromarray(pixels).save(tmp_path / "one.png")
    for known_content in ("", "0" * 31 + "1"):
        known = OriginalFiles(tmp_path, ["one.png"], [pixel_hash(pixels)], [known_content])
        originals = Originals(lambda known=known: known, "squeeze")
        images = PartlyPrepared(np.empty((0, 60, 90, 3), np.uint8), 1, originals)
        assert np.array_equal(to_train_on(images)[[0]], images[[0]])
    draw(3, (480, 360)).save(tmp_path / "one.png")
    with pytest.raises(DataError, match="is another image by now; it was usable"):
        to_train_on(images)[[0]]


def test_a_run_knows_the_bytes_of_its_files_and_older_ones_do_without(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    digests = ["ab" * 16, "cd" * 16]
    images = Images(
        tmp_path, ["a", "b"], ["PNG"] * 2, np.ones((2, 2), np.int32), digests, digests[::-1]
    )
    images.save(run)
    assert list(Images.load(run).content_hashes) == digests[::-1]
    file = ColumnFile(run.images)
    columns = {
        "paths.content": file.column("paths.content", np.uint8),
        "paths.bounds": file.column("paths.bounds", np.int64),
        "formats": file.column("formats", np.int32),
        "sizes": file.column("sizes", np.int32, 2),
        "pixel_hashes": file.column("pixel_hashes", np.uint8, 16),
    }
    write_columns(run.images, columns, file.metadata)
    assert list(Images.load(run).content_hashes) == ["", ""]


def test_an_image_like_no_other_is_decoded_where_it_lies(tmp_path):
    draw(1, (30, 20)).save(tmp_path / "one.png")
    images = PartlyPrepared(
        np.empty((0, 8, 8, 3), np.uint8),
        1,
        Originals(lambda: OriginalFiles(tmp_path, ["one.png"], [""], [""]), "squeeze"),
    )
    assert images[0].std() > 10
