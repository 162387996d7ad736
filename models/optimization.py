"""From hyperparameters to optimizer, learning rate schedule, loss and metrics."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops
from keras.optimizers import schedules


@keras.saving.register_keras_serializable("tune")
class LaterStart(schedules.LearningRateSchedule):
    """A schedule entered in its middle: `scale * schedule(step + first_step)`.

    A phase that unfreezes layers starts a new optimizer, which counts its steps from 0; the
    schedule goes on from where the phase before it stopped. (Setting the optimizer's own counter
    instead would switch off Adam's bias correction while its averages are still empty.)

    Args:
        schedule: The schedule over the whole training.
        first_step: Step of the whole training at which this phase starts.
        scale: Factor on the rate.
    """

    def __init__(self, schedule: Any, first_step: int, scale: float) -> None:
        super().__init__()
        self.schedule = schedule
        self.first_step = first_step
        self.scale = scale

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step` of this phase."""
        return self.scale * self.schedule(ops.cast(step, "float32") + self.first_step)

    def get_config(self) -> dict[str, Any]:
        """What Keras needs to save and load this schedule."""
        return {
            "schedule": schedules.serialize(self.schedule),
            "first_step": self.first_step,
            "scale": self.scale,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LaterStart:
        """The schedule that `get_config` describes."""
        return cls(**{**config, "schedule": schedules.deserialize(config["schedule"])})


def base_rate(hp: Any) -> float:
    """The learning rate chosen, whichever optimizer it belongs to."""
    name = "sgd_learning_rate" if hp.get("optimizer") == "sgd" else "learning_rate"
    return float(hp.get(name))


def learning_rate(hp: Any, *, total_steps: int, first_step: int = 0, scale: float = 1.0) -> Any:
    """A constant rate, or a cosine decay over the whole training after a linear warm-up.

    Args:
        hp: Values of `schedule`, `warmup` and the learning rate.
        total_steps: Steps from epoch 0 to the largest budget, not to the end of this rung: so
            the rate at an epoch is the same in every rung.
        first_step: Step of the whole training at which the optimizer starts.
        scale: Factor on the rate.

    Returns:
        A float or a `LearningRateSchedule`.
    """
    rate = base_rate(hp)
    if hp.get("schedule") == "constant":
        return rate * scale
    warmup_steps = round(hp.get("warmup") * total_steps)
    schedule = schedules.CosineDecay(
        # Not from 0: the first batch would then teach nothing.
        initial_learning_rate=rate / (warmup_steps + 1) if warmup_steps else rate,
        decay_steps=max(1, total_steps - warmup_steps),
        warmup_target=rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
    return LaterStart(schedule, first_step, scale) if first_step or scale != 1 else schedule


def optimizer(hp: Any, rate: Any) -> keras.optimizers.Optimizer:
    """The optimizer chosen; biases and normalisation are kept out of the weight decay."""
    name = hp.get("optimizer")
    if name == "adam":
        return keras.optimizers.Adam(rate)
    decay = hp.get("weight_decay")
    if name == "adamw":
        chosen = keras.optimizers.AdamW(rate, weight_decay=decay)
    else:
        chosen = keras.optimizers.SGD(rate, momentum=hp.get("momentum"), weight_decay=decay or None)
    chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return chosen


def loss(hp: Any, *, num_classes: int) -> keras.losses.Loss:
    """Cross-entropy over labels float32 [b, 1] (two classes) or [b, k], smoothed."""
    smoothing = hp.get("label_smoothing")
    if num_classes == 2:
        return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)


def accuracy(*, num_classes: int) -> keras.metrics.Metric:
    """Accuracy, a mixed label counting as its larger part."""
    if num_classes > 2:
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    return keras.metrics.MeanMetricWrapper(_same_side, name="accuracy")


def _same_side(labels: Any, probabilities: Any) -> Any:
    # Keras's own compares a label of 0.7 with 1 and counts every mixed picture as wrong.
    return ops.cast(ops.equal(labels > 0.5, probabilities > 0.5), "float32")
