"""Augment by covering a part of an image, or mixing it with another image of the batch."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from data_pipeline.augment import draws

MIXUP_ALPHA = 0.2
ERASED_AREA = (0.02, 0.33)
ERASED_ASPECT = 3.3


def mixup(images: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
    """Blend each image and label with another of the batch (Zhang et al. 2018).

    The image's share is lambda ~ Beta(0.2, 0.2), drawn per image.
    """
    seeds = draws.split(seed, 2)
    shape = (2, tf.shape(images)[0])
    gammas = tf.random.stateless_gamma(shape, seeds[0], alpha=MIXUP_ALPHA)
    # With so small an alpha both can underflow to 0. The image then stays as it is.
    share = tf.math.divide_no_nan(gammas[1], gammas[0] + gammas[1])
    partner = _partners(images, seeds[1])
    return _blend(images, partner, share[:, None, None, None]), _blend(
        labels, partner, share[:, None]
    )


def cutmix(images: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
    """Paste a box out of another image of the batch (Yun et al. 2019).

    1 - lambda ~ U(0, 1) is the area of the box. The part of it that is inside the image is the
    share of the other label.
    """
    seeds = draws.split(seed, 3)
    area = tf.random.stateless_uniform(tf.shape(images)[:1], seeds[0])
    inside = _boxes(images, seeds[1], height=tf.sqrt(area), width=tf.sqrt(area))
    partner = _partners(images, seeds[2])
    share = tf.reduce_mean(tf.cast(inside, tf.float32), axis=(1, 2, 3))
    mixed = tf.where(inside, tf.gather(images, partner), images)
    return mixed, _blend(labels, partner, share[:, None])


def erase(images: Any, probability: Any, seed: Any) -> Any:
    """Cover a box of 2 to 33 % of an image with one random colour (Zhong et al. 2017).

    The paper fills the box with a random colour per pixel. One per image does as well, and
    takes less time.

    Args:
        images: float32 [b, h, w, 3], 0–255.
        probability: float32 scalar, 0 to 1: that an image is changed.
        seed: int64 [2].
    """
    seeds = draws.split(seed, 5)
    count = tf.shape(images)[:1]
    area = tf.random.stateless_uniform(count, seeds[0], *ERASED_AREA)
    limit = math.log(ERASED_ASPECT)
    aspect = tf.exp(tf.random.stateless_uniform(count, seeds[1], -limit, limit))
    height, width = tf.sqrt(area * aspect), tf.sqrt(area / aspect)
    chosen = tf.random.stateless_uniform(count, seeds[2]) < probability
    inside = _boxes(images, seeds[3], height=height, width=width)
    colour = tf.random.stateless_uniform((count[0], 1, 1, 3), seeds[4], 0.0, 255.0)
    return tf.where(inside & chosen[:, None, None, None], colour, images)


def _partners(images: Any, seed: Any) -> Any:
    return draws.order(tf.shape(images)[0], seed)


def _blend(values: Any, partner: Any, share: Any) -> Any:
    return values + share * (tf.gather(values, partner) - values)


def _boxes(images: Any, seed: Any, *, height: Any, width: Any) -> Any:
    """Boolean [b, h, w, 1], true in a box about a random centre; sizes are shares of the side."""
    shape = tf.shape(images)
    middle = tf.random.stateless_uniform((2, shape[0]), seed)
    rows = _inside(shape[1], middle[0], height)
    columns = _inside(shape[2], middle[1], width)
    return (rows[:, :, None] & columns[:, None, :])[..., None]


def _inside(pixels: Any, middle: Any, part: Any) -> Any:
    places = (tf.cast(tf.range(pixels), tf.float32) + 0.5) / tf.cast(pixels, tf.float32)
    return tf.abs(places[None, :] - middle[:, None]) < part[:, None] / 2
