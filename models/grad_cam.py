"""Compute heat maps of what a classifier sees: Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391).

The paper's A^k are channel k of the last convolution's feature map, alpha_k the mean over all
places of the gradient of the class's score y^c by A^k, and the heat is ReLU(sum_k alpha_k A^k).
Of two networks side by side the heats are added: both are in units of the one score.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.errors import ModelError
from models.inner_outputs import with_inner_outputs

BATCH = 8  # images explained together; a single one goes alone
_LIKELIEST = -1
_SMALLEST = 1e-30  # least probability whose logarithm is taken


class Explanation(NamedTuple):
    """The probabilities of images, and the heat maps that explain them.

    Attributes:
        probabilities: float32 [b, k], as the model itself gives them.
        heat: float32 [b, rows, columns] over the model's input area, the largest of each map 1;
            all 0 where nothing in the image speaks for the class.
    """

    probabilities: NDArray[np.float32]
    heat: NDArray[np.float32]


class GradCam:
    """Make heat maps of a classifier's answers.

    TensorFlow traces each image size separately, up to twice: give all images in one size.

    Args:
        model: Images [b, h, w, 3] 0-255 -> probabilities [b, k], or [b, 1] of the second of two
            classes: as trained, as exported, or ImageNet's of `models.pretrained.networks`.

    Raises:
        ModelError: The model has no feature map.
    """

    def __init__(self, model: keras.Model) -> None:
        self._inner_model = with_inner_outputs(model)
        if "features" not in self._inner_model.output:
            raise ModelError(
                f"{model.name}: has no feature map; expected a convolution that gives more than "
                "one row or column; heat maps need a convolutional network"
            )
        self._explain = tf.function(self._explain_batch, autograph=False)

    def __call__(self, images: NDArray, classes: NDArray | None = None) -> Explanation:
        """Explain one image or more.

        Args:
            images: [b, h, w, 3], 0-255, of any number type.
            classes: int [b], for which to look, or None for the likeliest.
        """
        size = BATCH if len(images) > 1 else 1
        numbers = np.full(len(images), _LIKELIEST) if classes is None else np.asarray(classes)
        parts = []
        for start in range(0, len(images), size):
            batch, chosen = images[start : start + size], numbers[start : start + size]
            # The last batch is filled up by repetition: another batch size would be traced again.
            batch, chosen = (np.resize(part, (size, *part.shape[1:])) for part in (batch, chosen))
            result = self._explain(tf.constant(batch, tf.float32), tf.constant(chosen, tf.int32))
            parts.append([array.numpy()[: len(images) - start] for array in result])
        return Explanation(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _explain_batch(self, images: Any, classes: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
            tape.watch(images)
            inside = self._inner_model(images, training=False)
            probabilities, maps = inside["probabilities"], inside["features"]
            if probabilities.shape[1] == 1:
                probabilities = tf.concat([1 - probabilities, probabilities], axis=1)
            likeliest = tf.argmax(probabilities, axis=1, output_type=tf.int32)
            chosen = tf.where(classes == _LIKELIEST, likeliest, classes)
            score = tf.gather(_scores(inside, probabilities), chosen, axis=1, batch_dims=1)
        heat = _added([_heat(features, tape.gradient(score, features)) for features in maps])
        largest = tf.reduce_max(heat, axis=[1, 2], keepdims=True)
        return probabilities, tf.math.divide_no_nan(heat, largest)


def _heat(features: Any, gradient: Any) -> Any:
    """Return ReLU(sum_k alpha_k A^k): [b, rows, columns]."""
    alpha = tf.reduce_mean(gradient, axis=[1, 2], keepdims=True)
    return tf.nn.relu(tf.reduce_sum(alpha * features, axis=-1))


def _added(heats: list[Any]) -> Any:
    """Add heats, in the size of the largest."""
    rows, columns = max((heat.shape[1:] for heat in heats), key=lambda shape: shape[0] * shape[1])
    resized = (tf.image.resize(heat[..., None], (rows, columns))[..., 0] for heat in heats)
    return tf.add_n(list(resized))


def _scores(inside: dict[str, Any], probabilities: Any) -> Any:
    """Return y^c: float32 [b, k], the logits, or where these are not known log probabilities.

    Not the probabilities: near 1 their gradient is too small for float32.
    """
    if "logits" not in inside:
        return tf.math.log(tf.maximum(probabilities, _SMALLEST))
    logits = inside["logits"]
    # Of two classes only the second has a logit; what speaks for the one is against the other.
    return tf.concat([-logits, logits], axis=1) if logits.shape[1] == 1 else logits
