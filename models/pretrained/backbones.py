"""The table of pretrained networks by name; plain data.

It imports without Keras, so that the command line can list it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Mean and deviation of ImageNet's channels, for pixels 0 to 1.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_STANDARDIZED: dict[str, Any] = {
    "scale": tuple(1 / (255 * deviation) for deviation in _DEVIATION),
    "offset": tuple(-mean / dev for mean, dev in zip(_MEAN, _DEVIATION, strict=True)),
    # Keras's own preprocessing holds constants that the conversion to ONNX takes for inputs.
    "arguments": {"include_preprocessing": False},
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
        arguments: Further arguments of the constructor.
        digest: Checksum of `file`; empty where Keras publishes none.
        classifier_digest: Checksum of `classifier_file`.
        sizes: Image sizes in pixels for which weights exist; others take those of 224.
        scale: What pixels 0-255 are multiplied with first, for all channels or for each.
        offset: What is added then.
        image_size: Pixels per side at which it was trained.
        min_size: Least pixels per side that it takes.
    """

    constructor: str
    folder: str
    file: str
    classifier_file: str
    values: int
    arguments: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    classifier_digest: str = ""
    sizes: tuple[int, ...] = ()
    scale: float | tuple[float, ...] = 1 / 127.5
    offset: float | tuple[float, ...] = -1.0
    image_size: int = 224
    min_size: int = 32

    def file_names(self, image_size: tuple[int, int]) -> tuple[str, ...]:
        """Return the names under which the Keras cache may hold the weights, the best first.

        The first is the one that `keras.applications` takes. A network trained at several sizes
        works at all of them with the weights of 224, so these do where the first is missing.
        """
        height, width = image_size
        exact = height if height == width and height in self.sizes else 224
        return tuple(dict.fromkeys(self.file.format(size=size) for size in (exact, 224)))

    def url(self, file_name: str) -> str:
        """Return the address at which `file_name` is published."""
        return f"{HOST}/{self.folder}/{file_name}"


BACKBONES: dict[str, Backbone] = {
    "mobilenet_075": Backbone(
        constructor="MobileNet",
        arguments={"alpha": 0.75},
        folder="mobilenet",
        file="mobilenet_7_5_{size}_tf_no_top.h5",
        classifier_file="mobilenet_7_5_224_tf.h5",
        values=1_832_976,
        sizes=(128, 160, 192, 224),
    ),
    "mobilenet_v2": Backbone(
        constructor="MobileNetV2",
        folder="mobilenet_v2",
        file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{size}_no_top.h5",
        classifier_file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        values=2_257_984,
        sizes=(96, 128, 160, 192, 224),
    ),
    "efficientnet_v2_b0": Backbone(
        **_STANDARDIZED,
        constructor="EfficientNetV2B0",
        folder="efficientnet_v2",
        file="efficientnetv2-b0_notop.h5",
        classifier_file="efficientnetv2-b0.h5",
        values=5_919_312,
        digest="893217f2bb855e2983157299931e43ff",
        classifier_digest="21ecbf6da12460d5c40bb2f29ceb2188",
    ),
    "convnext_tiny": Backbone(
        **_STANDARDIZED,
        constructor="ConvNeXtTiny",
        folder="convnext",
        file="convnext_tiny_notop.h5",
        classifier_file="convnext_tiny.h5",
        values=27_820_128,
        digest="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        classifier_digest="8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    ),
    "xception": Backbone(
        constructor="Xception",
        folder="xception",
        file="xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        classifier_file="xception_weights_tf_dim_ordering_tf_kernels.h5",
        values=20_861_480,
        digest="b0042744bf5b25fce3cb969f33bebb97",
        classifier_digest="0a58e3b7378bc2990ea3b43d5981f1f6",
        image_size=299,
        min_size=71,
    ),
}
