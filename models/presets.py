"""Published configurations, as values of the search space; plain data, no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """One published system.

    Attributes:
        name: What `--preset` takes.
        description: One line.
        source: Where it was published.
        values: Every hyperparameter that is active in it; "transfer/warmup_epochs" for a random
            head, which a search does not draw.
        image_size: (height, width) in pixels.
        epochs: As published; where none is stated, what the description of the source implies.
        resize_mode: How images of another shape are made to fit.
        published: The figure that it reached, and on what.
        weights: Of the backbone: "imagenet", or None (from scratch, or no backbone).
    """

    name: str
    description: str
    source: str
    values: dict[str, Any]
    image_size: tuple[int, int]
    epochs: int
    resize_mode: str
    published: str
    weights: str | None = None


def _augmentation(strength: float, *, policy: str = "basic", mix: str = "none") -> dict[str, Any]:
    return {
        "augmentation/strength": strength,
        "augmentation/policy": policy,
        "augmentation/erasing": 0.0 if mix == "none" else 0.5,
        "augmentation/mix": mix,
    }


# RandomFlip("horizontal") and RandomRotation(0.1): 36 degrees are 0.8 of the policy's 45.
_FLIP_ROTATE = _augmentation(0.8, policy="flip_rotate")


def _adam(batch_size: int) -> dict[str, Any]:
    return {
        "batch_size": batch_size,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "label_smoothing": 0.0,
    }


def _sgd(*, momentum: float, label_smoothing: float) -> dict[str, Any]:
    return {
        "batch_size": 32,
        "optimizer": "sgd",
        "sgd_learning_rate": 1e-2,
        "momentum": momentum,
        "weight_decay": 0.0,
        "label_smoothing": label_smoothing,
    }


def _xception(entry: str, blocks: int) -> dict[str, Any]:
    return {
        "family": "xception",
        "xception/width": 1.0,
        "xception/entry": entry,
        "xception/blocks": blocks,
        "xception/normalization": "batch",
        "xception/dropout": 0.5,
    }


def _cnn(filters: int, dense_units: int, *, block_dropout: float, dropout: float) -> dict[str, Any]:
    return {
        "family": "cnn",
        "cnn/filters": filters,
        "cnn/blocks": 3,
        "cnn/convolutions": 1,
        "cnn/normalization": "none",
        "cnn/block_dropout": block_dropout,
        "cnn/pooling": "flatten",
        "cnn/dense_units": dense_units,
        "cnn/dropout": dropout,
    }


def _transfer(backbone: str, image_size: int, dropout: float) -> dict[str, Any]:
    return {
        "family": "transfer",
        "transfer/backbone": backbone,
        "transfer/image_size": image_size,
        "transfer/dropout": dropout,
    }


_LINEAR_HEAD = {"transfer/head_units": 0, "transfer/normalization": "none"}


_KERAS = "Keras, Image classification from scratch"
_KERAS_CV = "KerasCV, Classification guide"
_TENSORFLOW = "TensorFlow, Image classification tutorial"
_STUDENT = "A student's cats and dogs"

_ALL = (
    Preset(
        name="keras-2022",
        description="Mini-Xception with one entry convolution, 180 px",
        source=f"{_KERAS} (2022)",
        values={**_xception("single", 3), **_adam(128), **_FLIP_ROTATE},
        image_size=(180, 180),
        epochs=25,
        resize_mode="squeeze",
        published="95.1 % validation accuracy (best 95.75 %), 23,410 photos of cats and dogs",
    ),
    Preset(
        name="keras-2020",
        description="Mini-Xception with two entry convolutions, 180 px",
        source=f"{_KERAS} (2020)",
        values={**_xception("double", 4), **_adam(32), **_FLIP_ROTATE},
        image_size=(180, 180),
        epochs=50,
        resize_mode="squeeze",
        published="96.1 % validation accuracy (best 96.6 %), 23,410 photos of cats and dogs",
    ),
    Preset(
        name="kerascv-finetune",
        description="EfficientNetV2-B0 fine-tuned whole, 224 px, one epoch",
        source=_KERAS_CV,
        values={
            **_transfer("efficientnet_v2_b0", 224, 0.0),
            "transfer/unfreeze": 1.0,
            "transfer/warmup_epochs": 0,  # not solved first: the head is random
            "transfer/fine_tune_rate": 1.0,
            "transfer/layer_decay": 1.0,
            **_sgd(momentum=0.0, label_smoothing=0.0),
            "schedule": "constant",
            **_augmentation(0.0),
        },
        image_size=(224, 224),
        epochs=1,
        resize_mode="crop",
        published="95.0 % validation accuracy after one epoch, cats and dogs",
        weights="imagenet",
    ),
    Preset(
        name="kerascv-scratch",
        description="EfficientNetV2-B0 from scratch, RandAugment, erasing, CutMix or MixUp, 224 px",
        source=_KERAS_CV,
        values={
            **_transfer("efficientnet_v2_b0", 224, 0.5),
            **_LINEAR_HEAD,
            **_sgd(momentum=0.9, label_smoothing=0.1),
            "schedule": "cosine",
            "warmup": 0.1,
            "hold": 0.45,
            **_augmentation(0.3, policy="randaugment", mix="both"),
        },
        image_size=(224, 224),
        epochs=100,
        resize_mode="crop",
        published="none: the guide shows one epoch and advises about 100",
    ),
    Preset(
        name="tensorflow-plain",
        description="Three convolutions and 512 dense units, 150 px",
        source=_TENSORFLOW,
        values={
            **_cnn(16, 512, block_dropout=0.0, dropout=0.0),
            **_adam(128),
            **_augmentation(0.0),
        },
        image_size=(150, 150),
        epochs=80,
        resize_mode="squeeze",
        published="70 % validation accuracy, 2,000 + 1,000 photos of cats and dogs",
    ),
    Preset(
        name="tensorflow-augmented",
        description="The same with dropout 0.3, 0.3, 0.1 and augmentation, here of brightness too",
        source=_TENSORFLOW,
        values={
            **_cnn(16, 512, block_dropout=0.3, dropout=0.1),
            **_adam(128),
            # As published: turns by 45 degrees, shifts by 0.15, zooms of 0.5 to 1.5, flips. Not as
            # published: brightness and contrast change too, and height and width have one zoom.
            **_augmentation(1.0),
        },
        image_size=(150, 150),
        epochs=80,
        resize_mode="squeeze",
        published="75 % validation accuracy, 2,000 + 1,000 photos of cats and dogs",
    ),
    Preset(
        name="student-cnn",
        description="Small CNN with flip and rotation, 160 px",
        source=_STUDENT,
        values={
            **_cnn(32, 128, block_dropout=0.0, dropout=0.2),
            **_adam(32),
            **_FLIP_ROTATE,
        },
        image_size=(160, 160),
        epochs=10,
        resize_mode="squeeze",
        published="58.8 % and 58.0 % test accuracy",
    ),
    Preset(
        name="student-mobilenet",
        description="MobileNetV2 frozen under a linear head, 160 px",
        source=_STUDENT,
        values={
            **_transfer("mobilenet_v2", 160, 0.2),
            **_LINEAR_HEAD,
            "transfer/unfreeze": 0.0,
            **_adam(32),
            **_FLIP_ROTATE,
        },
        image_size=(160, 160),
        epochs=10,
        resize_mode="squeeze",
        published="none: left unfinished",
        weights="imagenet",
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
