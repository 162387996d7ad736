"""Make training batches on a GPU, within the training step.

`tf.data` runs on the processor. A GPU trains small models faster than a processor gathers and
augments their images, and copies of them have to cross the bus. Here the stream holds only row
numbers and seeds; images are gathered and augmented by the device that trains on them.
"""

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipeline.augment.augment import UNCHANGED, as_numbers, augment_by_numbers
from data_pipeline.pixels.dataset import (
    encode,
    gatherer,
    made_ahead,
    row_batches,
    to_train_on,
)
from data_pipeline.pixels.image_rows import ImageRows

if TYPE_CHECKING:
    import tensorflow as tf


def bytes_of(pixels: ImageRows, num_classes: int) -> int:
    """Bytes that images and their encoded labels take on a device."""
    columns = 1 if num_classes == 2 else num_classes
    return int(pixels.nbytes) + 4 * len(pixels) * columns


class DeviceFeed:
    """The images of a run for training steps on one device.

    Args:
        pixels: uint8 [images, height, width, 3], 0-255.
        targets: int32 [images], class indices.
        num_classes: 2 gives labels of one column, more give one-hot labels.
        device: TensorFlow's name of it, such as "GPU:0".
        resident: keep all images in the memory of the device; they are an array then. Otherwise
            they are gathered by the processor, and each batch is copied there as uint8.

    Attributes:
        nbytes: of the images and their labels.
    """

    def __init__(
        self,
        pixels: ImageRows,
        targets: np.ndarray,
        *,
        num_classes: int,
        device: str,
        resident: bool,
    ) -> None:
        import tensorflow as tf

        self.resident = resident
        self.nbytes = bytes_of(pixels, num_classes)
        with tf.device(device if resident else "CPU:0"):
            self._gather = (
                functools.partial(tf.gather, tf.constant(pixels))
                if resident
                else gatherer(to_train_on(pixels))
            )
            self._labels = tf.constant(encode(targets, num_classes))

    def stream(
        self,
        indices: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        initial_epoch: int,
        epochs: int,
        augmentation: dict[str, Any] | None = None,
    ) -> "tf.data.Dataset":
        """Stream what the batches of the epochs [initial_epoch, epochs) are made of.

        Order and seeds are those of `data_pipeline.pixels.dataset.training_batches`.

        Args:
            indices: int64 [count], the images to train on.
            batch_size: images per batch, in every batch.
            seed: for the order and the augmentation.
            initial_epoch: the first epoch to stream.
            epochs: the epoch to stop before.
            augmentation: arguments of `augmenter`; None for unchanged images.

        Returns:
            Elements that `batch` takes.
        """
        kinds, amounts = as_numbers(**(augmentation or UNCHANGED))
        rows = row_batches(indices, batch_size, seed, range(initial_epoch, epochs))

        def element(epoch: Any, batch: Any, batch_seed: Any) -> Any:
            del epoch
            source = (batch, batch) if self.resident else self._gathered(batch, batch)
            return (*source, batch_seed, kinds, amounts)

        return made_ahead(rows, element)

    def batch(self, element: Any) -> tuple[Any, Any]:
        """Make the batch of an element, on the device that this runs on.

        Returns:
            Images, float32 [batch, height, width, 3], 0-255; labels, float32 [batch, 1] or
            [batch, num_classes].
        """
        images, labels, seed, kinds, amounts = element
        if self.resident:
            images, labels = self._gathered(images, labels)
        return augment_by_numbers(images, labels, seed, kinds, amounts)

    def _gathered(self, rows: Any, label_rows: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        return self._gather(rows), tf.gather(self._labels, label_rows)

    def into(self, model: Any, *, xla: bool = False) -> None:
        """Let the training steps of a Keras model make their batches; before it is trained.

        The model then trains on what `stream` streams, and on nothing else.

        Args:
            model: compiled, without `jit_compile`.
            xla: compile what follows the batch by XLA, which cannot compile the augmentation.
        """
        import tensorflow as tf

        plain = type(model).train_step  # of the class: a model may be compiled several times

        def train(images: Any, labels: Any) -> Any:
            return plain(model, (images, labels))

        step = tf.function(train, jit_compile=True, autograph=False) if xla else train

        def train_step(element: Any) -> Any:
            return step(*self.batch(element))

        # Keras traces the step together with this: nothing crosses to Python between the two.
        model.train_step = train_step
