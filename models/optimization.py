"""Make the optimizer and its learning rate schedule from hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops
from keras.optimizers import SGD, Adam, AdamW, schedules

from models.adjustable import float_variable

CLIP_NORM = 1.0  # of all gradients of a backbone that is fine-tuned
SCHEDULE_NUMBERS = ("rate", "warmup_steps", "hold_steps", "decay_steps", "first_step", "scale")


@keras.saving.register_keras_serializable("tune")
class Schedule(schedules.LearningRateSchedule):
    """A constant rate, or a cosine decay to the end of training after a warm-up and a hold.

    All its numbers are variables: `set` makes another schedule of it without another graph.
    A phase that unfreezes layers starts a new optimizer, which counts its steps from 0; the
    schedule goes on from where the phase before it stopped. (Setting the optimizer's own counter
    instead would switch off Adam's bias correction while its averages are still empty.)

    Args:
        rate: The highest rate.
        warmup_steps: Steps in which it is reached, linearly; 0 for none.
        hold_steps: Steps after them in which it stays; 0 for none.
        decay_steps: Steps after those in which it falls to 0 along a cosine (Loshchilov & Hutter
            2017); 0 for a rate that stays to the end.
        first_step: Step of the whole training at which the optimizer starts.
        scale: Factor on the rate.
    """

    def __init__(self, **numbers: float) -> None:
        super().__init__()
        self._numbers = {name: float_variable(0.0) for name in SCHEDULE_NUMBERS}
        self.set(**numbers)

    def set(self, **numbers: float) -> None:
        """Change all numbers that the class names."""
        for name in SCHEDULE_NUMBERS:
            self._numbers[name].assign(numbers[name])

    def __call__(self, step: Any) -> Any:
        """Compute the learning rate at `step` of the optimizer, float32."""
        numbers = (self._numbers[name] for name in SCHEDULE_NUMBERS)
        rate, warmup, hold, decay, first, scale = numbers
        step = ops.cast(step, "float32") + first
        # Starts above 0: at a rate of 0 the first batch would change no weight.
        warm = rate * (step + 1.0) / (warmup + 1.0)
        part = ops.clip((step - warmup - hold) / ops.maximum(decay, 1.0), 0.0, 1.0)
        cosine = rate * 0.5 * (1.0 + ops.cos(math.pi * part))
        settled = ops.where(decay > 0, cosine, rate)
        return scale * ops.where(step < warmup, warm, settled)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to save and load this schedule."""
        return {name: float(value) for name, value in self._numbers.items()}


def base_rate(hp: Any) -> float:
    """Return the learning rate of a configuration, whichever optimizer it has."""
    name = "sgd_learning_rate" if hp.get("optimizer") == "sgd" else "learning_rate"
    return float(hp.get(name))


def schedule_numbers(
    hp: Any, *, total_steps: int, first_step: int = 0, scale: float = 1.0
) -> dict[str, float]:
    """Compute the numbers of a configuration's `Schedule`.

    Args:
        hp: Values of `schedule`, `warmup`, `hold` and the learning rate.
        total_steps: Steps from epoch 0 to the largest budget, not to the end of this rung: so
            the rate at an epoch is the same in every rung.
        first_step: Step of the whole training at which the optimizer starts.
        scale: Factor on the rate.
    """
    cosine = hp.get("schedule") == "cosine"
    warmup = round(hp.get("warmup") * total_steps) if cosine else 0
    # Trials of older versions have no hold.
    hold = round(hp.values.get("hold", 0.0) * total_steps) if cosine else 0
    return {
        "rate": base_rate(hp),
        "warmup_steps": warmup,
        "hold_steps": hold,
        "decay_steps": max(1, total_steps - warmup - hold) if cosine else 0,
        "first_step": first_step,
        "scale": scale,
    }


class _LayerRates:
    """Mixed into an optimizer: each variable has a factor of the learning rate.

    Attributes:
        rate_factors: By the reference of TensorFlow's variable; 1 for those that are not named.
    """

    rate_factors: Mapping[Any, float] = {}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable at its own rate."""
        rate = learning_rate * self.rate_factors.get(variable.ref(), 1.0)
        decay = self.weight_decay  # type: ignore[attr-defined]
        if decay is not None and self._use_weight_decay(variable):  # type: ignore[attr-defined]
            variable.assign_sub(variable * decay * rate)
        super().update_step(gradient, variable, rate)  # type: ignore[misc]

    def _apply_weight_decay(self, variables: Any) -> None:
        """Do nothing: each variable decays at its own rate."""


def optimizer(
    hp: Any, rate: Any, rate_factors: Mapping[Any, float] | None = None
) -> keras.optimizers.Optimizer:
    """Make the optimizer; biases and normalisation are left out of the weight decay.

    Without weight decay AdamW is Adam.

    Args:
        hp: Values of the optimizer.
        rate: A learning rate or a schedule.
        rate_factors: See `_LayerRates`. Where there are any the norm of all gradients together
            is clipped at `CLIP_NORM`.
    """
    name = hp.get("optimizer")
    decay = hp.get("weight_decay") if name != "adam" else 0.0
    kind = SGD if name == "sgd" else AdamW if decay else Adam
    options = {"momentum": hp.get("momentum")} if name == "sgd" else {}
    if rate_factors:
        kind = type(f"Layerwise{kind.__name__}", (_LayerRates, kind), {})
        chosen = kind(rate, global_clipnorm=CLIP_NORM, **options)
        chosen.rate_factors = rate_factors
    else:
        chosen = kind(rate, **options)
    if decay:
        chosen.weight_decay = float_variable(decay)
        chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return chosen


def adjust(chosen: keras.optimizers.Optimizer, hp: Any, numbers: dict[str, float]) -> None:
    """Give an optimizer that `optimizer` made with a `Schedule` the numbers of another `hp`."""
    # The private attribute holds the schedule; the public property computes one rate from it.
    chosen._learning_rate.set(**numbers)
    if chosen.weight_decay is not None:
        chosen.weight_decay.assign(hp.get("weight_decay"))
