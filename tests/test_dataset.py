import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.pixels.dataset import feature_batches, steps_per_epoch, training_batches

_PIXELS = np.random.default_rng(0).integers(0, 256, (23, 4, 5, 3), dtype=np.uint8)
_TARGETS = np.arange(23, dtype=np.int32) % 3
_INDICES = np.arange(2, 21)


def _stream(**changes):
    options = {
        "num_classes": 3,
        "batch_size": 8,
        "seed": 7,
        "initial_epoch": 0,
        "epochs": 1,
    } | changes
    batches = training_batches(_PIXELS, _TARGETS, _INDICES, **options)
    return [(images.numpy(), labels.numpy()) for images, labels in batches]


def _rows(batches):
    """Which rows of _PIXELS these are."""
    return [
        int(np.flatnonzero((image == _PIXELS).all((1, 2, 3)))[0])
        for images, _ in batches
        for image in images
    ]


def _grain(images, labels, seed):
    noise = tf.random.stateless_uniform(tf.shape(images), seed)
    return tf.cast(images, tf.float32) + noise, labels


def test_an_epoch_holds_every_image_with_its_label_and_ends_with_its_first_ones():
    batches = _stream()
    assert [len(images) for images, _ in batches] == [8, 8, 8]
    rows = _rows(batches)
    assert sorted(rows[:19]) == _INDICES.tolist()
    assert rows[19:] == rows[:5]
    labels = np.concatenate([labels for _, labels in batches])
    assert labels.dtype == np.float32
    assert labels.argmax(1).tolist() == _TARGETS[_rows(batches)].tolist()


def test_two_classes_have_one_column():
    targets = (_TARGETS > 0).astype(np.int32)
    batches = training_batches(
        _PIXELS, targets, _INDICES, num_classes=2, batch_size=8, seed=0, initial_epoch=0, epochs=1
    )
    images, labels = next(iter(batches))
    assert images.dtype == tf.uint8
    assert labels.shape == (8, 1)
    rows = _rows([(images.numpy(), None)])
    assert labels.numpy()[:, 0].tolist() == targets[rows].tolist()


def test_every_epoch_has_an_order_of_its_own_that_the_seed_decides():
    two = _rows(_stream(epochs=2))
    assert two[:19] != two[24:43]
    assert sorted(two[24:43]) == _INDICES.tolist()
    assert two == _rows(_stream(epochs=2))
    assert two != _rows(_stream(epochs=2, seed=8))
    assert two[:19] != _INDICES.tolist()


def test_a_resumed_stream_is_the_tail_of_the_whole_one():
    whole = _stream(epochs=6, augment=_grain)
    tail = _stream(initial_epoch=4, epochs=6, augment=_grain)
    assert len(tail) == 2 * steps_per_epoch(19, 8) == 6
    for (images, labels), (expected, expected_labels) in zip(tail, whole[-6:], strict=True):
        assert np.array_equal(images, expected)
        assert np.array_equal(labels, expected_labels)


def test_no_two_batches_share_an_augmentation_seed():
    seeds = []

    def with_seed(images, labels, seed):
        return seed, labels

    for found, _ in _stream(epochs=4, augment=with_seed):
        seeds.append(tuple(found))
    assert len(set(seeds)) == len(seeds) == 12


def test_the_stream_knows_its_length():
    batches = training_batches(
        _PIXELS, _TARGETS, _INDICES, num_classes=3, batch_size=8, seed=0, initial_epoch=1, epochs=4
    )
    assert int(batches.cardinality()) == 9
    assert steps_per_epoch(16, 8) == 2


@pytest.mark.parametrize("kind", ["aligned", "misaligned", "read-only"])
def test_batches_are_of_the_images_whatever_the_array(kind):
    pixels = _PIXELS.copy()
    if kind == "misaligned":
        pixels = np.concatenate([_PIXELS[:1], _PIXELS])[1:]
    if kind == "read-only":
        pixels.flags.writeable = False
    batches = list(_of_all(pixels, np.arange(len(pixels))))
    images = np.concatenate([images for images, _ in batches])[: len(pixels)]
    places = np.concatenate([labels for _, labels in batches]).argmax(axis=1)[: len(pixels)]
    assert sorted(places) == list(range(len(pixels)))
    assert np.array_equal(images, pixels[places])


def _of_all(pixels, targets):
    """One epoch of everything, each image labelled with its place."""
    return training_batches(
        pixels,
        targets,
        np.arange(len(pixels)),
        num_classes=len(pixels),
        batch_size=8,
        seed=0,
        initial_epoch=0,
        epochs=1,
    )


def test_prepared_pixels_reach_the_batches(sample):
    catalog, prepared = sample
    pixels = prepared.open()
    for images, labels in _of_all(pixels, np.arange(len(pixels))):
        assert np.array_equal(images, pixels[np.argmax(labels, axis=1)])
    assert pixels.ctypes.data % 64 == 0, "a mapped file can be used without a copy"
    assert pixels.flags.writeable


def test_features_are_streamed_view_by_view_in_the_order_of_images():
    labels = np.eye(19, dtype=np.float32)
    views = [
        (np.arange(19, dtype=np.float32)[:, None] + 100 * view, labels * (view + 1))
        for view in range(3)
    ]
    rows = np.arange(19)
    batches = list(feature_batches(views, rows, batch_size=8, seed=3, initial_epoch=1, epochs=5))
    assert len(batches) == 4 * steps_per_epoch(19, 8)
    seen = [batch.numpy()[0, 0] // 100 for batch, _ in batches[::3]]
    assert seen == [1, 2, 0, 1]  # epochs 1 to 4
    for features, marks in batches:
        place, view = np.argmax(marks, axis=1), np.max(marks, axis=1) - 1
        assert np.array_equal(features[:, 0], place + 100 * view)
    whole = list(feature_batches(views, rows, batch_size=8, seed=3, initial_epoch=0, epochs=5))
    assert np.array_equal(whole[3][0], batches[0][0])
    few = feature_batches(views, np.array([3, 17]), batch_size=2, seed=3, initial_epoch=0, epochs=1)
    assert sorted(next(iter(few))[0][:, 0].numpy()) == [3, 17]


def test_the_images_are_not_copied_into_memory_before_the_first_batch(tmp_path):
    """There may be more of them than memory holds: a stream reads those of its batches."""
    program = (
        "import sys; import numpy as np;"
        "from data_pipeline.pixels.dataset import training_batches;"
        "pixels = np.load(sys.argv[1], mmap_mode='c'); count = len(pixels);"
        "peak = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024;"
        "stream = lambda images: next(iter(training_batches(images, np.zeros(len(images), int),"
        "    np.arange(len(images)), num_classes=2, batch_size=8, seed=0, initial_epoch=0,"
        "    epochs=1)));"
        "stream(pixels[:64]); before = peak(); stream(pixels); print(peak() - before)"
    )
    shape = (100_000, 64, 64, 3)
    np.lib.format.open_memmap(tmp_path / "pixels.npy", "w+", np.uint8, shape).flush()  # holes
    command = [sys.executable, "-c", program, tmp_path / "pixels.npy"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=300)
    assert float(done.stdout) < 400  # MB, of 1,200
