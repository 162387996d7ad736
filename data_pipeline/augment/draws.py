"""Seeds and decisions of the augmentation, which stay in the processor's memory.

TensorFlow takes seeds and the conditions of branches from there. Computed by a GPU they have to be
copied back, and each copy waits for all steps that the GPU has yet to do.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

PROCESSOR = "CPU:0"


def split(seed: Any, number: int) -> list[Any]:
    """Split a seed, int64 [2], into independent ones."""
    with tf.device(PROCESSOR):
        return tf.unstack(tf.random.experimental.stateless_split(seed, number))


def fold_in(seed: Any, number: int) -> Any:
    """Make another seed, int64 [2], of a seed and a number."""
    with tf.device(PROCESSOR):
        return tf.random.experimental.stateless_fold_in(seed, number)


def below(number: int, seed: Any) -> Any:
    """Draw one whole number from 0 to `number` - 1, int32 []."""
    with tf.device(PROCESSOR):
        return tf.random.stateless_uniform((), seed, 0, number, dtype=tf.int32)


def coin(seed: Any) -> Any:
    """Draw true or false, each half of the time, bool []."""
    with tf.device(PROCESSOR):
        return tf.random.stateless_uniform((), seed) < 0.5


def is_positive(value: Any) -> Any:
    """Tell whether a number is above 0, bool []."""
    with tf.device(PROCESSOR):
        return value > 0


def order(count: Any, seed: Any) -> Any:
    """Draw an order of 0 to `count` - 1, int32 [count]. There is no sort of these on a GPU."""
    with tf.device(PROCESSOR):
        return tf.random.experimental.stateless_shuffle(tf.range(count), seed)
