"""Transfer: a small head over a pretrained backbone, frozen or with its last part unfrozen.

Its parts are layers of their own: "preprocessing" -> "upscale", where images are small ->
"backbone" (pooled features) -> "head". A frozen backbone is a fixed function, so its features
can be computed once (`build_extractor`) and a head trained on them alone (`build_head`), whose
weights then fit `model.get_layer("head")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.errors import ModelError
from models.families.family import Family, FixedFeatures, ModelOptions, Phases
from models.families.head import Dropout, images_input, normalized, plain_dropout, probabilities

if TYPE_CHECKING:
    import keras

UPSCALES = (1.0, 1.5, 2.0)
LARGEST_INPUT = 240  # pixels per side; all backbones but one were trained at 224
"""A backbone works best near the image size at which it was trained: on 2,000 photos of
96 px a linear head on MobileNet's features had 0.89 to 0.93 as they were and 0.95 to 0.97 at twice
the size, though that adds no detail (Touvron et al. 2019, arXiv 1906.06423, on sizes that differ).
"""


def declare(hp: Any, options: ModelOptions) -> None:
    """Declare this family's values; without pretrained weights there is nothing to freeze."""
    compact = options.compact
    hp.Choice("transfer/backbone", list(options.backbones))
    if len(upscales := _upscales(options.image_size)) > 1:
        hp.Choice("transfer/upscale", upscales, default=upscales[-1])
    hp.Choice("transfer/head_units", [0, 64, 128] if compact else [0, 128, 256, 512], default=128)
    hp.Choice("transfer/normalization", ["none", "batch"], default="none")
    hp.Float("transfer/dropout", 0.0, 0.5, step=0.1, default=0.2)
    if options.weights is None:
        return
    # Unfreezing costs a CPU ten times the time of a frozen backbone: one choice is enough there.
    parts = [0.25] if compact else [0.25, 0.5, 1.0]
    hp.Choice("transfer/unfreeze", [0.0, *parts], default=0.0)
    with hp.conditional_scope("transfer/unfreeze", parts):
        hp.Choice("transfer/warmup_epochs", [0, 1, 2, 3], default=2)
        with hp.conditional_scope("transfer/warmup_epochs", [1, 2, 3]):
            hp.Float("transfer/fine_tune_rate", 0.01, 1.0, sampling="log", default=0.1)


def build(hp: Any, options: ModelOptions, dropout: Dropout = plain_dropout) -> keras.Model:
    """Build the uncompiled model, its backbone frozen: images [b, h, w, 3] -> probabilities.

    Args:
        hp: Values of the `transfer/` hyperparameters.
        options: Image size, number of classes, and weights; without them nothing is frozen.
        dropout: Makes the layer for a value, given `hp` and its name.
    """
    import keras

    images, features = _features(hp, options)
    head = build_head(hp, options, num_features=features.shape[-1], dropout=dropout)
    return keras.Model(images, head(features), name="transfer")


def build_extractor(hp: Any, options: ModelOptions) -> keras.Model:
    """Build all but the head, frozen: images [b, h, w, 3] 0-255 -> [b, num_features].

    Raises:
        ModelError: There are no weights to freeze.
    """
    import keras

    if options.weights is None:
        raise ModelError("without pretrained weights nothing is frozen; give weights")
    images, features = _features(hp, options)
    return keras.Model(images, features, name="extractor")


def build_head(
    hp: Any, options: ModelOptions, num_features: int, dropout: Dropout = plain_dropout
) -> keras.Model:
    """Build the head alone: features [b, num_features] -> float32 probabilities."""
    import keras
    from keras import layers

    features = keras.Input((num_features,), name="features")
    x = normalized(features, hp.get("transfer/normalization"))
    if units := hp.get("transfer/head_units"):
        x = layers.Dense(units, activation="relu")(x)
    x = dropout(hp, "transfer/dropout")(x)
    return keras.Model(features, probabilities(x, num_classes=options.num_classes), name="head")


def _features(hp: Any, options: ModelOptions) -> tuple[Any, Any]:
    """Return the input for images, and the pooled features that the backbone makes of them."""
    from keras import layers

    from models.pretrained.networks import build_backbone, preprocessing

    image_size, weights = options.image_size, options.weights
    name = hp.get("transfer/backbone")
    size = input_size(hp, image_size)
    backbone = build_backbone(name, image_size=size, weights=weights)
    if weights is not None:
        backbone.trainable = False
        _without_dropout(backbone)
    images = images_input(image_size)
    x = preprocessing(name)(images)
    if size != image_size:
        x = layers.Resizing(*size, name="upscale")(x)
    return images, backbone(x)


def input_size(hp: Any, image_size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) in pixels at which the backbone sees images of `image_size`."""
    # The value exists only where images are small enough to be enlarged.
    scale = hp.values.get("transfer/upscale", 1.0)
    height, width = image_size
    return round(height * scale), round(width * scale)


def _upscales(image_size: tuple[int, int]) -> list[float]:
    """Return the factors that keep an image near the size at which the backbones were trained."""
    return [scale for scale in UPSCALES if scale == 1 or scale * max(image_size) <= LARGEST_INPUT]


def unfreeze(model: keras.Model, fraction: float) -> None:
    """Make the last `fraction` (0 to 1) of the backbone's layers trainable, and no others.

    Batch normalisation stays frozen throughout, scale and offset included: its statistics were
    learned on a million photos, and those of a few small batches would spoil the layers after it.
    Only `trainable = False` keeps it in inference mode: calling the backbone with
    `training=False` does not, since `fit` overrides that argument in every layer of a model.
    """
    from keras import layers

    backbone = model.get_layer("backbone")
    backbone.trainable = True
    first = round(len(backbone.layers) * (1 - fraction))
    for index, layer in enumerate(backbone.layers):
        fixed = index < first or isinstance(layer, layers.BatchNormalization)
        layer.trainable = not fixed


def _without_dropout(backbone: keras.Model) -> None:
    """Switch off the dropout inside, so that a frozen backbone is a fixed function in training."""
    from keras import layers

    for layer in backbone.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0


def unfrozen_part(hp: Any) -> float:
    """Return the fraction of the backbone that is trained in the last phase, 0 to 1."""
    # The value exists only with pretrained weights: without them nothing is frozen.
    return float(hp.values.get("transfer/unfreeze", 0.0))


def warmup_epochs(hp: Any) -> int:
    """Return for how many epochs the head is trained alone before the backbone is unfrozen."""
    return int(hp.values.get("transfer/warmup_epochs", 0)) if unfrozen_part(hp) else 0


def phase_starts(hp: Any) -> tuple[int, ...]:
    """Return the epochs at which phases begin: two if the head is trained alone first, else one."""
    warmup = warmup_epochs(hp)
    return (0, warmup) if warmup else (0,)


def set_trainable(model: keras.Model, hp: Any, options: ModelOptions, phase: int) -> None:
    """Unfreeze the backbone in the last phase; without pretrained weights all is trained."""
    is_head = model.name == "head"  # it has no backbone, see `build_head`
    if is_head or options.weights is None:
        return
    last = phase == len(phase_starts(hp)) - 1
    unfreeze(model, unfrozen_part(hp) if last else 0.0)


def phase_rate(hp: Any, phase: int) -> float:
    """Return the factor of the learning rate: smaller when the backbone is trained too."""
    return float(hp.get("transfer/fine_tune_rate")) if phase else 1.0


def are_fixed(hp: Any, options: ModelOptions) -> bool:
    """Tell whether only a head is trained, on features that never change."""
    return options.weights is not None and unfrozen_part(hp) == 0


def features_key(hp: Any, options: ModelOptions) -> tuple[str, ...]:
    """Return the backbone, the size at which it sees images, and a digest of its weights."""
    name = hp.get("transfer/backbone")
    height, width = input_size(hp, options.image_size)
    # Imported here and below: what downloads weights takes as long to import as `tune --help`.
    from models.pretrained.networks import weights_file
    from models.pretrained.weights import content_digest

    path = weights_file(name, str(options.weights), options.image_size)
    return name, f"{height}x{width}", content_digest(path)


def describe(values: Mapping[str, Any]) -> list[str]:
    """Say which backbone and what is trained, such as "transfer mobilenet_v2", "head 64"."""
    parts = [f"transfer {values['transfer/backbone']}"]
    if units := values["transfer/head_units"]:
        parts.append(f"head {units}")
    if part := values.get("transfer/unfreeze", 0.0):
        parts.append(f"last {part:.0%} unfrozen")
    return parts


_HEAD = {"transfer/dropout": 0.5, "batch_size": 64, "augmentation/strength": 0.0}
_NORMALIZED = {**_HEAD, "transfer/normalization": "batch"}
# Several heads, since each takes a second once the features are computed. These had the best
# validation accuracy, 0.949 to 0.953 on average over three splits, of twenty-two tried on 2,000
# photos of cats and dogs at 96 px; which of them is ahead differs from split to split. A head
# has few weights and overfits late, and without augmentation each image passes the backbone once.
_BASELINES: tuple[dict[str, Any], ...] = (
    {**_NORMALIZED, "optimizer": "adamw", "weight_decay": 1e-2},
    {**_NORMALIZED, "learning_rate": 3e-3},
    {**_HEAD, "batch_size": 32},
    {**_NORMALIZED, "learning_rate": 3e-3, "batch_size": 32},
    {**_NORMALIZED, "batch_size": 32, "optimizer": "adamw", "weight_decay": 1e-2},
)

FAMILY = Family(
    name="transfer",
    declare=declare,
    build=build,
    baselines=_BASELINES,
    describe=describe,
    min_image_size=32,
    pretrained=True,
    phases=Phases(phase_starts, set_trainable, phase_rate),
    features=FixedFeatures(are_fixed, features_key, build_extractor, build_head),
)
