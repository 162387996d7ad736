"""Choose and apply the augmentation of a configuration.

Every random number comes from the seed that is passed in, which the pipeline derives from
(seed, epoch, batch): a resumed trial sees the same images as if it had not been interrupted.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data_pipeline.augment import draws
from data_pipeline.augment.mixing import cutmix, erase, mixup
from data_pipeline.augment.randaugment import randaugment
from data_pipeline.augment.warp import warp

# The largest changes at strength 1. They grow in proportion to the strength.
ROTATION = math.pi / 4  # radians to either side
SHIFT = 0.15  # of height and width
ZOOM = 0.5  # so 0.5 to 1.5 times
BRIGHTNESS = 0.2 * 255  # levels up or down
CONTRAST = 0.3  # so 0.7 to 1.3 times
FLIP_PROBABILITY = 0.5

_BATCH = (  # images, labels and seed
    tf.TensorSpec((None, None, None, 3), tf.uint8),
    tf.TensorSpec((None, None), tf.float32),
    tf.TensorSpec((2,), tf.int64),
)
Augment = Callable[[Any, Any, Any], tuple[Any, Any]]
UNCHANGED: dict[str, Any] = {"policy": "basic", "strength": 0.0, "erasing": 0.0, "mix": "none"}


def augmenter(*, policy: str, strength: float, erasing: float, mix: str) -> Augment | None:
    """Make the augmentation of a configuration, as a function of a batch.

    Args:
        policy: "basic" (all that follows), "flip_rotate" (of it flips and turns alone), or
            "randaugment" (after a flip: two operations of Cubuk et al. 2019).
        strength: 0 to 1. Above 0 half of the images are flipped left to right. The rest grows
            with the strength, at 1 up to: turns of 45 degrees to either side, shifts of 0.15 of
            the side, zooms of 0.5 to 1.5, brightness 0.2 of the range up or down, contrast 0.7
            to 1.3.
        erasing: probability that a box of an image is covered (Zhong et al. 2017).
        mix: "none", "mixup", "cutmix", or "both" (one of the two for each batch).

    Returns:
        A function of images (uint8 [b, h, w, 3]), labels (float32 [b, k], [b, 1] for two
        classes) and seed (int64 [2]) that returns images (float32, 0–255) and labels; None
        where there is nothing to do.

    Raises:
        ValueError: `policy` or `mix` is not one of these.
    """
    _check(policy, mix)
    if strength == 0 and erasing == 0 and mix == "none":
        return None
    traced = _traced(policy, mix)

    def augment(images: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
        augmented, targets = traced(
            images, labels, seed, tf.constant(strength), tf.constant(erasing)
        )
        # The graph is the same for all sizes and has lost them, but layers of a model need them.
        return tf.ensure_shape(augmented, images.shape), tf.ensure_shape(targets, labels.shape)

    return augment


def as_numbers(
    *, policy: str, strength: float, erasing: float, mix: str
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Put what `augmenter` takes into arrays, for `augment_by_numbers`.

    Returns:
        The numbers of policy and mix, int32 [2]; strength and erasing, float32 [2].

    Raises:
        ValueError: `policy` or `mix` is not one of those of `augmenter`.
    """
    _check(policy, mix)
    kinds = list(POLICIES).index(policy), list(MIXES).index(mix)
    return np.array(kinds, np.int32), np.array([strength, erasing], np.float32)


def augment_by_numbers(
    images: Any, labels: Any, seed: Any, kinds: Any, amounts: Any
) -> tuple[Any, Any]:
    """Augment as `augmenter` does, by tensors: a graph of it serves all configurations.

    Args:
        images: uint8 [b, h, w, 3].
        labels: float32 [b, k].
        seed: int64 [2].
        kinds: int32 [2], from `as_numbers`.
        amounts: float32 [2], from `as_numbers`.

    Returns:
        Images, float32 0-255, also where nothing is done to them; and labels.
    """
    augmented, targets = _traced_by_numbers()(images, labels, seed, kinds, amounts)
    return tf.ensure_shape(augmented, images.shape), tf.ensure_shape(targets, labels.shape)


@functools.cache
def _traced_by_numbers() -> Any:
    """Trace one graph for every configuration, batch size and image size."""

    def augment(images: Any, labels: Any, seed: Any, kinds: Any, amounts: Any) -> Any:
        def policy(*arguments: Any) -> Any:
            return tf.switch_case(which_policy, _bound(POLICIES, *arguments))

        def mix(*arguments: Any) -> Any:
            return tf.switch_case(which_mix, _bound(MIXES, *arguments))

        with tf.device(draws.PROCESSOR):
            strength, erasing = tf.unstack(amounts)
            which_policy, which_mix = tf.unstack(kinds)

        return _augmented(images, labels, seed, strength, erasing, policy=policy, mix=mix)

    numbers = (tf.TensorSpec((2,), tf.int32), tf.TensorSpec((2,), tf.float32))
    return tf.function(augment, autograph=False, input_signature=[*_BATCH, *numbers])


def _bound(functions: Mapping[str, Callable[..., Any]], *arguments: Any) -> list[Any]:
    return [functools.partial(function, *arguments) for function in functions.values()]


def _check(policy: str, mix: str) -> None:
    if policy not in POLICIES or mix not in MIXES:
        raise ValueError(
            f"augmentation: received policy {policy!r} and mix {mix!r}, expected one of "
            f"{', '.join(POLICIES)} and one of {', '.join(MIXES)}"
        )


def _augmented(
    images: Any,
    labels: Any,
    seed: Any,
    strength: Any,
    erasing: Any,
    *,
    policy: Callable[[Any, Any, Any], Any],
    mix: Callable[[Any, Any, Any], tuple[Any, Any]],
) -> tuple[Any, Any]:
    """Apply a policy, erase and mix, each with a seed of its own."""
    seeds = draws.split(seed, 3)
    images = tf.cast(images, tf.float32)
    images = tf.cond(
        draws.is_positive(strength), lambda: policy(images, strength, seeds[0]), lambda: images
    )
    images = tf.cond(
        draws.is_positive(erasing), lambda: erase(images, erasing, seeds[1]), lambda: images
    )
    return mix(images, labels, seeds[2])


@functools.cache
def _traced(policy: str, mix: str) -> Any:
    """Trace one graph for every strength, erasing probability, batch size and image size.

    Strength and probability are tensors in it, so that they need no trace of their own.
    """

    def augment(images: Any, labels: Any, seed: Any, strength: Any, erasing: Any) -> Any:
        return _augmented(
            images, labels, seed, strength, erasing, policy=POLICIES[policy], mix=MIXES[mix]
        )

    numbers = (tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.float32))
    return tf.function(augment, autograph=False, input_signature=[*_BATCH, *numbers])


def _basic(images: Any, strength: Any, seed: Any) -> Any:
    """Augment by one warp and one multiplication: float32 0–255 in and out, `strength` above 0."""
    drawn = tf.random.stateless_uniform((7, tf.shape(images)[0]), seed, -1.0, 1.0)
    angle, zoom, shift_y, shift_x, brightness, contrast, _ = tf.unstack(drawn * strength)
    images = warp(
        images,
        angle=ROTATION * angle,
        zoom=1.0 + ZOOM * zoom,
        shift_y=SHIFT * shift_y,
        shift_x=SHIFT * shift_x,
        mirror=_mirror(drawn[6]),
    )
    # Contrast about middle grey instead of each image's mean, which saves a pass over the pixels.
    gain = 1.0 + CONTRAST * contrast
    offset = 127.5 * (1.0 - gain) + BRIGHTNESS * brightness
    return tf.clip_by_value(
        images * gain[:, None, None, None] + offset[:, None, None, None], 0.0, 255.0
    )


def _flip_rotate(images: Any, strength: Any, seed: Any) -> Any:
    """Do what Keras's RandomFlip("horizontal") and RandomRotation(strength / 8) do together."""
    drawn = tf.random.stateless_uniform((2, tf.shape(images)[0]), seed, -1.0, 1.0)
    return warp(images, angle=ROTATION * strength * drawn[0], mirror=_mirror(drawn[1]))


def _flipped_randaugment(images: Any, strength: Any, seed: Any) -> Any:
    seeds = draws.split(seed, 2)
    sides = tf.random.stateless_uniform(tf.shape(images)[:1], seeds[0], -1.0, 1.0)
    mirrored = tf.where(_mirror(sides)[:, None, None, None] < 0, images[:, :, ::-1], images)
    return randaugment(mirrored, strength, seeds[1])


def _mirror(drawn: Any) -> Any:
    """Return -1 for images to be flipped and 1 for the others, from drawn in -1 to 1."""
    return tf.where(drawn < 2 * FLIP_PROBABILITY - 1, -1.0, 1.0)


def _unmixed(images: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
    del seed
    return images, labels


def _either(images: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
    side, rest = draws.split(seed, 2)
    return tf.cond(
        draws.coin(side),
        lambda: mixup(images, labels, rest),
        lambda: cutmix(images, labels, rest),
    )


POLICIES = {"basic": _basic, "randaugment": _flipped_randaugment, "flip_rotate": _flip_rotate}
MIXES = {"none": _unmixed, "mixup": mixup, "cutmix": cutmix, "both": _either}
