"""Put a pretrained backbone under a model, and choose the size at which it sees images.

The parts that all families on a backbone share are layers of their own: "preprocessing" ->
"upscale", where the prepared images are smaller than what the backbone sees -> "backbone" (pooled
features).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.families.family import ModelOptions
from models.families.head import images_input

if TYPE_CHECKING:
    import keras

ENLARGED = (1.0, 1.5, 2.0)
LARGEST_INPUT = 240  # pixels per side; all backbones but few were trained at 224
"""A backbone works best near the image size at which it was trained: on 2,000 photos of
96 px a linear head on MobileNet's features had 0.89 to 0.93 as they were and 0.95 to 0.97 at twice
the size, though that adds no detail (Touvron et al. 2019, arXiv 1906.06423, on sizes that differ).
"""


def enlarged(image_size: tuple[int, int]) -> tuple[int, ...]:
    """Return the longer sides to which images of one size may be enlarged, their own first."""
    side = max(image_size)
    return tuple(
        round(side * scale) for scale in ENLARGED if scale == 1 or side * scale <= LARGEST_INPUT
    )


def declare_backbone(hp: Any, family: str, options: ModelOptions) -> None:
    """Declare which backbone, and the longer side in pixels of the images that it sees."""
    hp.Choice(f"{family}/backbone", list(options.backbones))
    sides = list(options.backbone_sizes)
    hp.Choice(f"{family}/image_size", sides, default=_of_older_run(hp.values, family, sides))


def _of_older_run(values: Mapping[str, Any], family: str, sides: list[int]) -> int:
    # Older versions had a factor of the image size, which is the smallest side there.
    scale = values.get(f"{family}/upscale")
    return sides[-1] if scale is None else round(sides[0] * scale)


def prepared_size(values: Mapping[str, Any], family: str, options: ModelOptions) -> tuple[int, int]:
    """Return (height, width) in pixels of the prepared images that a configuration takes."""
    return options.prepared_size(_side(values, family, options))


def seen_size(values: Mapping[str, Any], family: str, options: ModelOptions) -> tuple[int, int]:
    """Return (height, width) in pixels of the images that the backbone sees."""
    return options.scaled(_side(values, family, options))


def _side(values: Mapping[str, Any], family: str, options: ModelOptions) -> int:
    name = f"{family}/image_size"
    if name in values:
        return int(values[name])
    return _of_older_run(values, family, list(options.backbone_sizes))


def build_frozen(name: str, size: tuple[int, int], options: ModelOptions) -> keras.Model:
    """Build a backbone; with pretrained weights it is frozen, and a fixed function in training."""
    from keras import layers

    from models.pretrained.networks import build_backbone

    backbone = build_backbone(name, image_size=size, weights=options.weights)
    if options.weights is not None:
        backbone.trainable = False
        for layer in backbone.layers:
            if isinstance(layer, layers.Dropout):
                layer.rate = 0.0
    return backbone


def seen_images(values: Mapping[str, Any], family: str, options: ModelOptions) -> tuple[Any, Any]:
    """Return the input for prepared images, and what the backbone is given of them."""
    from keras import layers

    from models.pretrained.networks import preprocessing

    prepared = prepared_size(values, family, options)
    size = seen_size(values, family, options)
    images = images_input(prepared)
    x = preprocessing(values[f"{family}/backbone"])(images)
    if size != prepared:
        x = layers.Resizing(*size, name="upscale")(x)
    return images, x


def pooled_features(
    values: Mapping[str, Any], family: str, options: ModelOptions
) -> tuple[Any, Any]:
    """Return the input for prepared images, and the features [b, f] that the backbone makes."""
    images, x = seen_images(values, family, options)
    size = seen_size(values, family, options)
    return images, build_frozen(values[f"{family}/backbone"], size, options)(x)


def features_key(values: Mapping[str, Any], family: str, options: ModelOptions) -> tuple[str, ...]:
    """Return the backbone, the size at which it sees images, and a digest of its weights."""
    # Imported here: what downloads weights takes as long to import as `tune --help`.
    from models.pretrained.networks import weights_file
    from models.pretrained.weights import content_digest

    name = values[f"{family}/backbone"]
    height, width = seen_size(values, family, options)
    path = weights_file(name, str(options.weights), (height, width))
    return name, f"{height}x{width}", content_digest(path)
