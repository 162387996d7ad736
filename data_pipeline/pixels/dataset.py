"""Stream prepared pixels as batches: shuffle, batch, gather, augment, prefetch."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipeline.pixels.image_rows import ImageRows
from data_pipeline.pixels.partly_prepared import PartlyPrepared

if TYPE_CHECKING:
    import tensorflow as tf

Augment = Callable[[Any, Any, Any], tuple[Any, Any]]
"""Takes images uint8 [batch, height, width, 3], labels float32, seed int64 [2]; returns both."""

_TENSOR_ALIGNMENT = 64  # bytes; TensorFlow takes no other memory without a copy
_PARALLEL = min(8, os.cpu_count() or 1)  # batches made at the same time, and kept ready
# Stands for the number of a batch where an epoch's order is drawn: order and augmentation must
# not have the same seed.
_ORDER = -1


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Count the batches in which each of `count` images comes at least once."""
    return -(-count // batch_size)


def training_batches(
    pixels: ImageRows,
    targets: np.ndarray,
    indices: np.ndarray,
    *,
    num_classes: int,
    batch_size: int,
    seed: int,
    initial_epoch: int,
    epochs: int,
    augment: Augment | None = None,
) -> "tf.data.Dataset":
    """Stream the epochs [initial_epoch, epochs) as one dataset of batches.

    Order and augmentation depend on (seed, epoch, batch) alone, so that a trial that is
    resumed at an epoch sees the same images as if it had not been interrupted.

    Args:
        pixels: uint8 [images, height, width, 3], 0–255, as `PreparedPixels.open` maps them, or
            as `PartlyPrepared` reads them.
        targets: int32 [images], class indices.
        indices: int64 [count], the images to train on.
        num_classes: 2 gives labels of one column, more give one-hot labels.
        batch_size: images per batch, in every batch: the last batch of an epoch is filled up
            with the first images of that epoch. With one shape the step is traced once; and
            oneDNN, as TensorFlow 2.21 uses it, corrupts memory when a training step's shape
            changes.
        seed: for the order and the augmentation.
        initial_epoch: the first epoch to stream.
        epochs: the epoch to stop before.
        augment: applied to whole batches; None for unchanged images.

    Returns:
        (images, labels): uint8 [batch, height, width, 3], or what `augment` returns; labels
        float32 [batch, 1] or [batch, num_classes].
    """
    views = [(to_train_on(pixels), encode(targets, num_classes))]
    return _stream(views, indices, batch_size, seed, range(initial_epoch, epochs), augment)


def to_train_on(pixels: ImageRows) -> ImageRows:
    """The images as a training may see them: see `PartlyPrepared.to_train_on`."""
    return pixels.to_train_on() if isinstance(pixels, PartlyPrepared) else pixels


def feature_batches(
    views: Sequence[tuple[np.ndarray, np.ndarray]],
    indices: np.ndarray,
    *,
    batch_size: int,
    seed: int,
    initial_epoch: int,
    epochs: int,
) -> "tf.data.Dataset":
    """Stream epochs as `training_batches` does, of features instead of images.

    Args:
        views: epoch e streams view e mod their number. Each is features [images, ...] and
            labels float32 [images, 1] or [images, num_classes].
        indices: int64 [count], the images to train on.
        batch_size: images per batch, in every batch.
        seed: for the order.
        initial_epoch: the first epoch to stream.
        epochs: the epoch to stop before.

    Returns:
        (features, labels) of a batch.
    """
    return _stream(views, indices, batch_size, seed, range(initial_epoch, epochs), None)


def _stream(
    views: Sequence[tuple[ImageRows, np.ndarray]],
    indices: np.ndarray,
    batch_size: int,
    seed: int,
    epochs: range,
    augment: Augment | None,
) -> "tf.data.Dataset":
    """Stream `epochs`, epoch e from view e mod the number of views."""
    import tensorflow as tf

    # The data set may not fit into a GPU's memory. Batches are copied there.
    with tf.device("CPU:0"):
        sources = [(gatherer(inputs), tf.constant(labels)) for inputs, labels in views]

    def gather(epoch: Any, batch: Any, batch_seed: Any) -> Any:
        inputs, labels = _gathered(sources, epoch, batch)
        return (inputs, labels) if augment is None else augment(inputs, labels, batch_seed)

    # Shuffle before batch, and over all indices: a shuffle buffer would only mix neighbours.
    # Gather after batch: one copy per batch instead of one per image. Augment last: its result
    # is different in every epoch, so that nothing after it may be cached.
    return made_ahead(row_batches(indices, batch_size, seed, epochs), gather)


def row_batches(
    indices: np.ndarray, batch_size: int, seed: int, epochs: range
) -> "tf.data.Dataset":
    """Stream what the batches of `epochs` are made of: order and seeds, without any image.

    Args:
        indices: int64 [count], the images to train on.
        batch_size: images per batch, in every batch.
        seed: for the order and the augmentation.
        epochs: the epochs to stream.

    Returns:
        For each batch the number of its epoch, int64 []; its rows, int64 [batch]; and a seed of
        its own, int64 [2].
    """
    import tensorflow as tf

    with tf.device("CPU:0"):
        chosen = tf.constant(indices, tf.int64)
    steps = steps_per_epoch(len(indices), batch_size)
    return (
        tf.data.Dataset.range(epochs.start, epochs.stop)
        .flat_map(_as_written(lambda epoch: _index_batches(chosen, batch_size, seed, epoch)))
        .apply(tf.data.experimental.assert_cardinality(steps * len(epochs)))
    )


def made_ahead(rows: "tf.data.Dataset", make: Callable[..., Any]) -> "tf.data.Dataset":
    """Make batches of what `row_batches` streams, several at a time and some ahead."""
    made = rows.map(_as_written(make), num_parallel_calls=_PARALLEL)
    return made.prefetch(_PARALLEL).with_options(_as_it_is())


def _index_batches(chosen: Any, batch_size: int, seed: int, epoch: Any) -> "tf.data.Dataset":
    """Shuffle an epoch's indices, and stream its number, the indices and a seed per batch."""
    import tensorflow as tf

    count = len(chosen)
    steps = steps_per_epoch(count, batch_size)
    order = tf.random.experimental.stateless_shuffle(chosen, _seed(seed, epoch, _ORDER))
    # The last batch is filled up from the start of the order.
    order = tf.gather(order, np.arange(steps * batch_size) % count)

    def index_batch(step: Any) -> Any:
        batch = order[step * batch_size : (step + 1) * batch_size]
        return epoch, tf.ensure_shape(batch, [batch_size]), _seed(seed, epoch, step)

    return tf.data.Dataset.range(steps).map(index_batch)


def _as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let TensorFlow trace a function as it is written: no `if` or loop in it is of a tensor.

    It would be rewritten for such first, into a file of temporary files that stays there where the
    process is ended at once, as workers are.
    """
    import tensorflow as tf

    written: Callable[..., Any] = tf.autograph.experimental.do_not_convert(function)
    return written


def _as_it_is() -> "tf.data.Options":
    """Run a stream as it is written: nothing is tuned, and nothing rewritten.

    All is set here. The thread that tunes may delay a stream's end by seconds. To rewrite a stream,
    TensorFlow copies all that it reads, which are the images: the first batch of a million came
    after seconds, and with all of them in memory.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return options


def _gathered(sources: Sequence[tuple[Any, Any]], epoch: Any, batch: Any) -> tuple[Any, Any]:
    """Gather the images and labels of a batch from the view of its epoch."""
    import tensorflow as tf

    def of(gather: Callable[[Any], Any], labels: Any) -> tuple[Any, Any]:
        return gather(batch), tf.gather(labels, batch)

    if len(sources) == 1:
        return of(*sources[0])
    view = tf.cast(epoch % len(sources), tf.int32)
    branches = [functools.partial(of, *source) for source in sources]
    inputs, labels = tf.switch_case(view, branches)
    return inputs, labels


def encode(targets: np.ndarray, num_classes: int) -> np.ndarray:
    """Encode labels as float32: [images, 1] for 2 classes, else one-hot [images, num_classes]."""
    if num_classes == 2:
        return targets.astype(np.float32)[:, np.newaxis]
    return np.eye(num_classes, dtype=np.float32)[targets]


def _seed(seed: int, epoch: Any, batch: Any) -> Any:
    """Make a seed, int64 [2], that is different for every batch of every epoch."""
    import tensorflow as tf

    return tf.stack([tf.constant(seed, tf.int64), epoch * 2**32 + batch])


def gatherer(pixels: ImageRows) -> Callable[[Any], Any]:
    """Make a function of TensorFlow that takes rows, int64 [batch], and gathers them."""
    import tensorflow as tf

    if isinstance(pixels, np.ndarray):
        return functools.partial(tf.gather, _as_tensor(pixels))

    def gather(rows: Any) -> Any:
        images = tf.numpy_function(pixels.__getitem__, [rows], tf.uint8, stateful=False)
        return tf.ensure_shape(images, (*rows.shape, *pixels.shape[1:]))

    return gather


def _as_tensor(pixels: np.ndarray) -> Any:
    """Make a tensor that uses the mapped file's memory where TensorFlow can, else a copy.

    A copy takes seconds, and the file's size in memory, for every stream. Gathering in Python
    instead was half as fast when measured.
    """
    import tensorflow as tf

    array = np.asarray(pixels)
    aligned = array.ctypes.data % _TENSOR_ALIGNMENT == 0
    if aligned and array.flags.c_contiguous and array.flags.writeable:
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.constant(array)
