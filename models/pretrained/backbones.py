"""The table of pretrained networks by name; plain data.

It imports without Keras, so that the command line can list it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

# Mean and deviation of ImageNet's channels, for pixels 0 to 1.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
# Keras's own preprocessing holds constants that the conversion to ONNX takes for inputs.
_RAW: dict[str, Any] = {"arguments": {"include_preprocessing": False}}
_STANDARDIZED: dict[str, Any] = {
    "scale": tuple(1 / (255 * deviation) for deviation in _DEVIATION),
    "offset": tuple(-mean / dev for mean, dev in zip(_MEAN, _DEVIATION, strict=True)),
    **_RAW,
}

HOST = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class Backbone:
    """One network of `keras.applications`.

    Attributes:
        constructor: Its name in `keras.applications`.
        folder: Folder of its weights on the server.
        file: Name of its weights without classifier, `{size}` standing for the image size.
        classifier_file: The same with the ImageNet classifier.
        values: Numbers in `file`.
        imagenet: Accuracy on ImageNet, 0 to 1, by https://keras.io/api/applications and for the
            MobileNets the docstrings there.
        arguments: Further arguments of the constructor.
        digest: Checksum of `file`; empty where Keras publishes none.
        classifier_digest: Checksum of `classifier_file`.
        sizes: Image sizes in pixels for which weights exist, if there are several.
        scale: What pixels 0-255 are multiplied with first, for all channels or for each.
        offset: What is added then.
        image_size: Pixels per side at which it was trained.
        min_size: Least pixels per side that it takes.
        tried: When a search tries it without being asked: "always", "gpu" (only where there is
            one), or "asked" (never). Those tried always have few operations per image, so that
            a processor can run them; their times were not measured for this choice.
    """

    constructor: str
    folder: str
    file: str
    classifier_file: str
    values: int
    imagenet: float
    arguments: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    classifier_digest: str = ""
    sizes: tuple[int, ...] = ()
    scale: float | tuple[float, ...] = 1 / 127.5
    offset: float | tuple[float, ...] = -1.0
    image_size: int = 224
    min_size: int = 32
    tried: Literal["always", "gpu", "asked"] = "gpu"

    def file_names(self, image_size: tuple[int, int]) -> tuple[str, ...]:
        """Return the names under which the Keras cache may hold the weights, the best first.

        The first is the one that `keras.applications` takes. A network works at every size with
        the weights of any size, so those of 224 and then those of the other sizes, the largest
        first, do where the first is missing.
        """
        height, width = image_size
        exact = height if height == width and height in self.sizes else 224
        sizes = (exact, 224, *sorted(self.sizes, reverse=True))
        return tuple(dict.fromkeys(self.file.format(size=size) for size in sizes))

    @property
    def all_files(self) -> tuple[str, ...]:
        """The names of the weights for any size."""
        return self.file_names((224, 224))

    def url(self, file_name: str) -> str:
        """Return the address at which `file_name` is published."""
        return f"{HOST}/{self.folder}/{file_name}"


def _mobilenet(alpha: float, name: str, values: int, imagenet: float) -> Backbone:
    """Describe MobileNet with `alpha` of the channels, which its files call `name`."""
    return Backbone(
        constructor="MobileNet",
        arguments={"alpha": alpha},
        folder="mobilenet",
        file=f"mobilenet_{name}_{{size}}_tf_no_top.h5",
        classifier_file=f"mobilenet_{name}_224_tf.h5",
        values=values,
        imagenet=imagenet,
        sizes=(128, 160, 192, 224),
        tried="always",
    )


def _mobilenet_v3(size: str, values: int, imagenet: float, digests: tuple[str, str]) -> Backbone:
    """Describe MobileNetV3 "Small" or "Large"; the classifier's checksum comes first."""
    file = f"weights_mobilenet_v3_{size.lower()}_224_1.0_float"
    return Backbone(
        **_RAW,
        constructor=f"MobileNetV3{size}",
        folder="mobilenet_v3",
        file=f"{file}_no_top_v2.h5",
        classifier_file=f"{file}.h5",
        values=values,
        imagenet=imagenet,
        classifier_digest=digests[0],
        digest=digests[1],
        tried="always",
    )


def _efficientnet_v2(
    variant: str, values: int, imagenet: float, digests: tuple[str, str], **others: Any
) -> Backbone:
    """Describe EfficientNetV2 `variant`, such as "B0"; the classifier's checksum comes first."""
    file = f"efficientnetv2-{variant.lower()}"
    return Backbone(
        constructor=f"EfficientNetV2{variant}",
        folder="efficientnet_v2",
        file=f"{file}_notop.h5",
        classifier_file=f"{file}.h5",
        values=values,
        imagenet=imagenet,
        classifier_digest=digests[0],
        digest=digests[1],
        **others,
    )


# The first is what a configuration has that names none.
BACKBONES: dict[str, Backbone] = {
    "mobilenet_075": _mobilenet(0.75, "7_5", 1_832_976, 0.684),
    "mobilenet_v2": Backbone(
        constructor="MobileNetV2",
        folder="mobilenet_v2",
        file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{size}_no_top.h5",
        classifier_file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        values=2_257_984,
        imagenet=0.713,
        sizes=(96, 128, 160, 192, 224),
        tried="always",
    ),
    "mobilenet_050": _mobilenet(0.5, "5_0", 829_536, 0.637),
    "mobilenet_025": _mobilenet(0.25, "2_5", 218_544, 0.506),
    "mobilenet_v3_small": _mobilenet_v3(
        "Small",
        939_120,
        0.681,
        ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    ),
    "mobilenet_v3_large": _mobilenet_v3(
        "Large",
        2_996_352,
        0.756,
        ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    ),
    "efficientnet_v2_b0": _efficientnet_v2(
        "B0",
        5_919_312,
        0.787,
        ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
        **_STANDARDIZED,
        tried="always",
    ),
    "efficientnet_v2_b1": _efficientnet_v2(
        "B1",
        6_931_124,
        0.798,
        ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
        **_STANDARDIZED,
        image_size=240,
    ),
    "efficientnet_v2_b2": _efficientnet_v2(
        "B2",
        8_769_374,
        0.805,
        ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
        **_STANDARDIZED,
        image_size=260,
    ),
    "efficientnet_v2_b3": _efficientnet_v2(
        "B3",
        12_930_622,
        0.820,
        ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
        **_STANDARDIZED,
        image_size=300,
    ),
    "efficientnet_v2_s": _efficientnet_v2(
        "S",
        20_331_360,
        0.839,
        ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
        **_RAW,
        scale=1 / 128,
        image_size=384,
    ),
    "convnext_tiny": Backbone(
        **_STANDARDIZED,
        constructor="ConvNeXtTiny",
        folder="convnext",
        file="convnext_tiny_notop.h5",
        classifier_file="convnext_tiny.h5",
        values=27_820_128,
        imagenet=0.813,
        digest="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        classifier_digest="8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    ),
    "xception": Backbone(
        constructor="Xception",
        folder="xception",
        file="xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        classifier_file="xception_weights_tf_dim_ordering_tf_kernels.h5",
        values=20_861_480,
        imagenet=0.790,
        digest="b0042744bf5b25fce3cb969f33bebb97",
        classifier_digest="0a58e3b7378bc2990ea3b43d5981f1f6",
        image_size=299,
        min_size=71,
        tried="asked",
    ),
}


def default_backbones(*, light: bool) -> tuple[str, ...]:
    """Return the names that a search tries unless told otherwise; `light`: without a GPU."""
    whens = {"always"} if light else {"always", "gpu"}
    return tuple(name for name, backbone in BACKBONES.items() if backbone.tried in whens)
