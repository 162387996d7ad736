"""Apply RandAugment (Cubuk et al. 2019, arXiv 1909.13719) to whole batches, without state.

Keras's own RandAugment layer computes all of its operations for every batch, and draws from a
generator whose state changes with each call: it is slower by the number of operations, and a
resumed trial would see other images. Here one operation is chosen per batch and only that one
is computed; its strength and direction are drawn per image. The paper's N is
`OPERATIONS_PER_BATCH`, its M / 10 is `strength`.
"""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf

from data_pipeline.augment import draws
from data_pipeline.augment.warp import warp

OPERATIONS_PER_BATCH = 2
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue, as in ITU-R BT.601


def randaugment(images: Any, strength: Any, seed: Any) -> Any:
    """Apply two operations, one after the other.

    Args:
        images: float32 [b, h, w, 3], 0–255.
        strength: float32 scalar, 0 (no change) to 1 (the largest of the paper).
        seed: int64 [2].

    Returns:
        float32 [b, h, w, 3], 0–255.
    """
    for turn in range(OPERATIONS_PER_BATCH):
        choice, draw = draws.split(draws.fold_in(seed, turn), 2)
        which = draws.below(len(OPERATIONS), choice)
        signed = tf.random.stateless_uniform(tf.shape(images)[:1], draw, -1.0, 1.0) * strength
        branches = [functools.partial(operation, images, signed) for operation in OPERATIONS]
        images = tf.clip_by_value(tf.switch_case(which, branches), 0.0, 255.0)
    return images


def _blended(images: Any, other: Any, amount: Any) -> Any:
    """Move from `images` (0) towards `other` (negative) or away from it (positive)."""
    return images + amount[:, None, None, None] * (images - other)


def _identity(images: Any, amount: Any) -> Any:
    del amount
    return tf.identity(images)


def _autocontrast(images: Any, amount: Any) -> Any:
    del amount
    low = tf.reduce_min(images, axis=(1, 2), keepdims=True)
    span = tf.reduce_max(images, axis=(1, 2), keepdims=True) - low
    return tf.where(span > 0, (images - low) * tf.math.divide_no_nan(255.0, span), images)


def _equalize(images: Any, amount: Any) -> Any:
    del amount
    shape = tf.shape(images)
    planes = shape[0] * 3
    values = tf.cast(tf.round(images), tf.int32)
    plane = tf.reshape(tf.range(planes), (shape[0], 1, 1, 3))
    bins = values + 256 * plane
    # Not by `tf.math.bincount`, which a GPU refuses where results shall be the same each time.
    ones = tf.ones_like(values)
    counts = tf.math.unsorted_segment_sum(ones, bins, planes * 256)
    ranks = tf.cumsum(tf.reshape(counts, (planes, 256)), axis=1)
    brightest = tf.cast(ranks[:, -1:], tf.float32)
    table = tf.cast(ranks, tf.float32) * (255.0 / brightest)
    return tf.gather(tf.reshape(table, [-1]), bins)


def _solarize(images: Any, amount: Any) -> Any:
    threshold = 255.0 * (1.0 - tf.abs(amount))[:, None, None, None]
    return tf.where(images > threshold, 255.0 - images, images)


def _posterize(images: Any, amount: Any) -> Any:
    step = tf.pow(2.0, tf.round(4.0 * tf.abs(amount)))[:, None, None, None]
    return tf.floor(images / step) * step


def _colour(images: Any, amount: Any) -> Any:
    grey = tf.reduce_sum(images * LUMINANCE, axis=-1, keepdims=True)
    return _blended(images, grey, 0.9 * amount)


def _contrast(images: Any, amount: Any) -> Any:
    return _blended(images, tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True), 0.9 * amount)


def _brightness(images: Any, amount: Any) -> Any:
    return _blended(images, tf.zeros_like(images), 0.9 * amount)


def _sharpness(images: Any, amount: Any) -> Any:
    smooth = tf.nn.avg_pool2d(images, 3, 1, "SAME")
    return _blended(images, smooth, 0.9 * amount)


def _rotate(images: Any, amount: Any) -> Any:
    return warp(images, angle=amount * 0.524)  # 30 degrees


def _shear_x(images: Any, amount: Any) -> Any:
    return warp(images, shear_x=0.3 * amount)


def _shear_y(images: Any, amount: Any) -> Any:
    return warp(images, shear_y=0.3 * amount)


def _shift_x(images: Any, amount: Any) -> Any:
    return warp(images, shift_x=0.3 * amount)


def _shift_y(images: Any, amount: Any) -> Any:
    return warp(images, shift_y=0.3 * amount)


# At strength 1: colour, contrast, brightness and sharpness change to 0.1 or 1.9 times, values
# keep 4 bits, and images are turned by 30 degrees, sheared by 0.3 and shifted by 0.3 of the side.
OPERATIONS = (
    _identity,
    _autocontrast,
    _equalize,
    _solarize,
    _posterize,
    _colour,
    _contrast,
    _brightness,
    _sharpness,
    _rotate,
    _shear_x,
    _shear_y,
    _shift_x,
    _shift_y,
)
