"""Turn, shift, zoom, shear and flip whole batches, in one resampling."""

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
    """Apply several transforms to each image in one resampling; edges are reflected.

    Args:
        images: float32 [b, h, w, c].
        angle: in radians, [b] or a number, as all that follow.
        zoom: above 1 shows more of the reflected surroundings, below 1 less of the image.
        shift_y: share of the height by which the view moves.
        shift_x: share of the width by which the view moves.
        shear_y: change of the row per column.
        shear_x: change of the column per row.
        mirror: -1 to flip left and right, 1 not to.

    Returns:
        float32 [b, h, w, c]; equal to `images` with the default values.
    """
    shape = tf.shape(images)
    height = tf.cast(shape[1], tf.float32)
    width = tf.cast(shape[2], tf.float32)
    ones = tf.ones(shape[:1])
    cosine, sine = tf.cos(angle) * zoom, tf.sin(angle) * zoom
    x_of_x, x_of_y = (cosine - sine * shear_y) * mirror, cosine * shear_x - sine
    y_of_x, y_of_y = (sine + cosine * shear_y) * mirror, sine * shear_x + cosine
    # The transform goes from output to input pixels, and about the centre of the image.
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
