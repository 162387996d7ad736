"""Make the loss and the metric of training, and what an image of each class counts for."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from models.adjustable import float_variable

CLASS_WEIGHTS = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}
"""By name the power of what an image counts for: 1 over the images of its class."""


@keras.saving.register_keras_serializable("tune")
class CrossEntropy(keras.losses.Loss):
    """Cross-entropy over labels float32 [b, 1] (two classes) or [b, k], smoothed and weighted.

    Smoothing takes that share of each label and deals it out to all classes alike (Szegedy et
    al. 2016), as Keras's losses do; here it can be changed without another graph, and so can the
    weights of the classes. A mixed label has the mean of its weights.

    Args:
        num_classes: Two or more.
        label_smoothing: 0 to 1.
        class_weights: float [k], what an image of each class counts for; None for 1, which
            stays so.
        **options: Of `keras.losses.Loss`.
    """

    def __init__(
        self,
        num_classes: int,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.num_classes = num_classes
        self.label_smoothing = float_variable(label_smoothing)
        self.class_weights: Any = class_weights and float_variable(class_weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compute the loss of each image, float32 [b]."""
        even = 1.0 / self.num_classes
        labels = y_true + self.label_smoothing * (even - y_true)
        if self.num_classes == 2:
            losses = keras.losses.binary_crossentropy(labels, y_pred)
        else:
            losses = keras.losses.categorical_crossentropy(labels, y_pred)
        if self.class_weights is None:
            return losses
        shares = ops.concatenate([1.0 - y_true, y_true], 1) if self.num_classes == 2 else y_true
        return losses * ops.sum(shares * self.class_weights, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to save and load this loss."""
        weights = self.class_weights
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "label_smoothing": float(self.label_smoothing),
            "class_weights": None if weights is None else weights.numpy().tolist(),
        }


def class_weights(hp: Any, counts: Sequence[int]) -> list[float] | None:
    """Compute what an image of each class counts for: over all images, 1 in the mean.

    Args:
        hp: The value of "class_weights"; a configuration of an older version has none.
        counts: Images of each class; none where the classes are about equal.

    Returns:
        float [classes]; None where there are no counts.
    """
    if not counts:
        return None
    power = CLASS_WEIGHTS[hp.values.get("class_weights", "none")]
    weights = [1.0 / max(count, 1) ** power for count in counts]
    mean = sum(map(operator.mul, weights, counts)) / sum(counts)
    return [weight / mean for weight in weights]


def accuracy(*, num_classes: int) -> keras.metrics.Metric:
    """Make the metric of accuracy; a mixed label counts as its larger part."""
    if num_classes > 2:
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    return keras.metrics.MeanMetricWrapper(_same_side, name="accuracy")


def _same_side(labels: Any, probabilities: Any) -> Any:
    # Keras's own compares a label of 0.7 with 1 and counts every mixed image as wrong.
    return ops.cast(ops.equal(labels > 0.5, probabilities > 0.5), "float32")
