"""Turning, shifting, zooming, shearing and flipping whole batches, in one resampling."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def warp(
    images: Any,
    *,
    angle: Any = 0.0,
    zoom: Any = 1.0,
    shift_y: Any = 0.0,
    shift_x: Any = 0.0,
    shear_y: Any = 0.0,
    shear_x: Any = 0.0,
    mirror: Any = 1.0,
) -> Any:
    """Resample each image once, however many things happen to it; edges are reflected.

    Args:
        images: float32 [b, h, w, c].
        angle: Radians, [b] or a number.
        zoom: Above 1 shows more of the reflected surroundings, below 1 less of the image.
        shift_y: Part of the height by which the view moves.
        shift_x: Part of the width.
        shear_y: Rise a column.
        shear_x: Run a row.
        mirror: -1 to flip left and right, 1 not to.

    Returns:
        float32 [b, h, w, c]; equal to `images` where nothing is asked for.
    """
    shape = tf.shape(images)
    height = tf.cast(shape[1], tf.float32)
    width = tf.cast(shape[2], tf.float32)
    ones = tf.ones(shape[:1])
    cosine, sine = tf.cos(angle) * zoom, tf.sin(angle) * zoom
    x_of_x, x_of_y = (cosine - sine * shear_y) * mirror, cosine * shear_x - sine
    y_of_x, y_of_y = (sine + cosine * shear_y) * mirror, sine * shear_x + cosine
    # The map goes from output to input pixels, about the middle of the image.
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    from_x = middle_x - x_of_x * middle_x - x_of_y * middle_y + shift_x * width
    from_y = middle_y - y_of_x * middle_x - y_of_y * middle_y + shift_y * height
    rows = (x_of_x, x_of_y, from_x, y_of_x, y_of_y, from_y, 0.0, 0.0)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([ones * value for value in rows], axis=1),
        output_shape=shape[1:3],
        interpolation="BILINEAR",
        fill_mode="REFLECT",
        fill_value=0.0,
    )
