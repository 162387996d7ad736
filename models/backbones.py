"""The pretrained networks under a transfer head, by name.

The table is plain data and imports without Keras, so that the command line can list it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import weights as files
from models.errors import ModelError

if TYPE_CHECKING:
    import keras

# Mean and deviation of ImageNet's channels, for pixels 0 to 1.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_STANDARDIZED: dict[str, Any] = {
    "scale": tuple(1 / (255 * deviation) for deviation in _DEVIATION),
    "offset": tuple(-mean / dev for mean, dev in zip(_MEAN, _DEVIATION, strict=True)),
    # Its own preprocessing keeps constants that a conversion to ONNX takes for inputs.
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
        image_size: Pixels a side at which it was trained.
        min_size: Least pixels a side that it takes.
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
        """Names under which the Keras cache may hold the weights, the best first.

        The first is the one that `keras.applications` takes. A network trained at several sizes
        works at all of them with the weights of 224, so these do where the first is missing.
        """
        height, width = image_size
        exact = height if height == width and height in self.sizes else 224
        return tuple(dict.fromkeys(self.file.format(size=size) for size in (exact, 224)))

    def url(self, file_name: str) -> str:
        """Where `file_name` is published."""
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


def available_backbones(
    names: Sequence[str], weights: str | None, image_size: tuple[int, int]
) -> tuple[str, ...]:
    """Those of `names` that can be used here: large enough pictures, and weights to be had.

    Args:
        names: Names out of `BACKBONES`.
        weights: "imagenet" (in the Keras cache, or the network answers within 5 seconds), the
            path of a file that fits, or None (from scratch: all of them).
        image_size: (height, width) in pixels.

    Raises:
        ModelError: There is none; says what is missing, and where to put it.
    """
    usable = [name for name in names if min(image_size) >= BACKBONES[name].min_size]
    if not usable:
        least = ", ".join(f"{name} {BACKBONES[name].min_size}" for name in names)
        raise ModelError(
            f"image_size: received {image_size[0]}x{image_size[1]}, too small for every backbone "
            f"(least pixels a side: {least}); raise --image-size"
        )
    if weights is None:
        return tuple(usable)
    if weights != "imagenet":
        return _fitting(usable, Path(weights))
    return _pretrained(usable, image_size)


def _pretrained(names: Sequence[str], image_size: tuple[int, int]) -> tuple[str, ...]:
    missing = {
        name: BACKBONES[name].url(BACKBONES[name].file_names(image_size)[0])
        for name in names
        if files.cached(BACKBONES[name].file_names(image_size)) is None
    }
    answering = files.reachable(missing.values())
    found = tuple(name for name in names if name not in missing or missing[name] in answering)
    if not found:
        wanted = [
            f"{files.cache_folder() / BACKBONES[name].file_names(image_size)[0]} for {name}"
            for name in names
        ]
        raise ModelError(
            "no pretrained weights: not in the Keras cache, and the network does not answer; put "
            f"{' or '.join(wanted)}, or give a file with --weights"
        )
    return found


def _fitting(names: Sequence[str], path: Path) -> tuple[str, ...]:
    values = files.count_values(path)
    fitting = tuple(name for name in names if BACKBONES[name].values == values)
    if not fitting:
        expected = ", ".join(f"{name} {BACKBONES[name].values:,}" for name in names)
        raise ModelError(
            f"{path}: holds {values:,} values, which fits no backbone asked for (expected: "
            f"{expected}); give weights saved without the classifier (include_top=False)"
        )
    return fitting


def weights_file(name: str, weights: str, image_size: tuple[int, int]) -> Path:
    """The file with the weights of a backbone, downloaded into the Keras cache if need be.

    Raises:
        ModelError: A given file does not fit, or nothing is cached and the network does not
            answer; says which file goes where.
    """
    backbone = BACKBONES[name]
    if weights != "imagenet":
        _fitting([name], Path(weights))
        return Path(weights)
    names = backbone.file_names(image_size)
    return files.cached(names) or _fetch(backbone, names[0], backbone.digest)


def build_backbone(name: str, *, image_size: tuple[int, int], weights: str | None) -> keras.Model:
    """The network as feature extractor, named "backbone": preprocessed images -> [b, features].

    Raises:
        ModelError: The weights cannot be had or do not fit.
    """
    import keras

    path = None if weights is None else weights_file(name, weights, image_size)
    network = _construct(
        BACKBONES[name], include_top=False, pooling="avg", input_shape=(*image_size, 3)
    )
    if path is not None:
        _load(network, path, name)
    # Named by a second model over the same layers: EfficientNetV2 reads its own name.
    return keras.Model(network.input, network.output, name="backbone")


def imagenet_classifier(name: str) -> keras.Model:
    """The network as published: images [b, s, s, 3] 0-255 -> probabilities [b, 1000].

    Raises:
        ModelError: The weights are not in the Keras cache and the network does not answer.
    """
    import keras

    backbone = BACKBONES[name]
    path = files.cached([backbone.classifier_file]) or _fetch(
        backbone, backbone.classifier_file, backbone.classifier_digest
    )
    size = backbone.image_size
    network = _construct(backbone, include_top=True, input_shape=(size, size, 3))
    _load(network, path, name)
    images = keras.Input((size, size, 3), name="images")
    return keras.Model(images, network(preprocessing(name)(images)), name=name)


def preprocessing(name: str) -> keras.Layer:
    """Layer from pixels 0-255 to what the network was trained on, in float32."""
    from keras import layers

    backbone = BACKBONES[name]
    return layers.Rescaling(backbone.scale, backbone.offset, dtype="float32", name="preprocessing")


def _fetch(backbone: Backbone, file_name: str, digest: str) -> Path:
    return files.download(file_name, backbone.url(file_name), digest=digest)


def _construct(backbone: Backbone, **arguments: Any) -> keras.Model:
    import keras

    constructor = getattr(keras.applications, backbone.constructor)
    return constructor(weights=None, **backbone.arguments, **arguments)


def _load(network: keras.Model, path: Path, name: str) -> None:
    try:
        network.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise ModelError(
            f"{path}: does not fit {name} ({error}); give the weights that keras.applications "
            "publishes for it, or remove the file so that it is downloaded again"
        ) from error
