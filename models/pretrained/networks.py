"""Find out which backbones have weights here, and build them as networks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import ModelError
from models.pretrained import weights as files
from models.pretrained.backbones import BACKBONES, Backbone

if TYPE_CHECKING:
    import keras


def available_backbones(
    names: Sequence[str],
    weights: str | None,
    image_size: tuple[int, int],
    largest: tuple[int, int] | None = None,
) -> tuple[str, ...]:
    """Return those of `names` that can be used: the images large enough, the weights available.

    Args:
        names: Names out of `BACKBONES`.
        weights: "imagenet" (in the Keras cache, or the network answers within 5 seconds), the
            path of a file that fits or of a folder of files named as Keras names them, or None
            (from scratch: all of them).
        image_size: (height, width) in pixels of the smallest images that they see.
        largest: Of the largest, to which the weights shall suit; None for the same.

    Raises:
        ModelError: There is none; says what is missing, and where to put it.
    """
    usable = [name for name in names if min(image_size) >= BACKBONES[name].min_size]
    if not usable:
        least = ", ".join(f"{name} {BACKBONES[name].min_size}" for name in names)
        raise ModelError(
            f"image_size: received {image_size[0]}x{image_size[1]}, too small for every backbone "
            f"(least pixels per side: {least}); raise --image-size"
        )
    if weights is None:
        return tuple(usable)
    image_size = largest or image_size
    if weights == "imagenet":
        return _pretrained(usable, image_size)
    path = Path(weights)
    return _in_folder(usable, path, image_size) if path.is_dir() else _fitting(usable, path)


def _pretrained(names: Sequence[str], image_size: tuple[int, int]) -> tuple[str, ...]:
    missing = {
        name: BACKBONES[name].url(BACKBONES[name].file_names(image_size)[0])
        for name in names
        if files.cached(BACKBONES[name].file_names(image_size)) is None
    }
    answering = files.reachable(missing.values())
    usable = tuple(name for name in names if name not in missing or missing[name] in answering)
    if not usable:
        files_to_put = [
            f"{files.keras_cache_folder() / BACKBONES[name].file_names(image_size)[0]} for {name}"
            for name in names
        ]
        raise ModelError(
            "no pretrained weights: not in the Keras cache, and the network does not answer; put "
            f"{' or '.join(files_to_put)}, or give a file or a folder with --weights"
        )
    return usable


def _in_folder(names: Sequence[str], folder: Path, image_size: tuple[int, int]) -> tuple[str, ...]:
    found = {
        name: path
        for name in names
        if (path := files.first_in(folder, BACKBONES[name].file_names(image_size)))
    }
    if not found:
        # Of those for other image sizes, which would do as well, there are too many to list.
        expected = ", ".join(
            f"{BACKBONES[name].file_names(image_size)[0]} for {name}" for name in names
        )
        raise ModelError(
            f"{folder}: holds no weights for a backbone asked for (expected: {expected}); name "
            "the files as keras.applications does"
        )
    for name, path in found.items():
        _fitting([name], path)
    return tuple(found)


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
    """Return the file with the weights of a backbone, downloaded into the Keras cache if needed.

    Raises:
        ModelError: A given file does not fit, a given folder has none that does, or nothing is
            cached and the network does not answer; says which file goes where.
    """
    backbone = BACKBONES[name]
    names = backbone.file_names(image_size)
    if weights == "imagenet":
        return files.cached(names) or _fetch(backbone, names[0], backbone.digest)
    path = Path(weights)
    if path.is_dir():
        _in_folder([name], path, image_size)
        return files.first_in(path, names) or path
    _fitting([name], path)
    return path


def fetch_weights(
    names: Sequence[str], weights: str, image_sizes: Sequence[tuple[int, int]]
) -> None:
    """Have the weights of backbones for each image size at hand, downloaded if needed.

    Where they cannot be had, those for another size that are in the Keras cache have to do.

    Raises:
        ModelError: See `weights_file`.
    """
    if weights != "imagenet":
        return  # `available_backbones` has looked at them
    missing = {
        file: BACKBONES[name]
        for name in names
        for size in image_sizes
        if files.cached([file := BACKBONES[name].file_names(size)[0]]) is None
    }
    spare = {each.url(file) for file, each in missing.items() if files.cached(each.all_files)}
    answering = files.reachable(spare) if spare else set()  # all at once
    for file, backbone in missing.items():
        if files.cached(backbone.all_files) is None:
            _fetch(backbone, file, backbone.digest)
        elif backbone.url(file) in answering or backbone.url(file) not in spare:
            with suppress(ModelError, OSError):  # what is there works too
                _fetch(backbone, file, backbone.digest)


def build_backbone(name: str, *, image_size: tuple[int, int], weights: str | None) -> keras.Model:
    """Build the feature extractor, named "backbone": preprocessed images -> [b, features].

    Raises:
        ModelError: The weights cannot be had or do not fit.
    """
    import keras

    from models.pretrained.depthwise import depthwise

    path = None if weights is None else weights_file(name, weights, image_size)
    network = _construct(
        BACKBONES[name], include_top=False, pooling="avg", input_shape=(*image_size, 3)
    )
    if path is not None:
        _load(network, path, name)
    network = depthwise(network)
    # A second model over the same layers gives the name: `name="backbone"` in the constructor
    # fails, since EfficientNetV2 looks up its blocks by its own name.
    return keras.Model(network.input, network.output, name="backbone")


def imagenet_classifier(name: str) -> keras.Model:
    """Build the network as published: images [b, s, s, 3] 0-255 -> probabilities [b, 1000].

    Raises:
        ModelError: The weights are not in the Keras cache and the network does not answer.
    """
    import keras

    from models.pretrained.depthwise import depthwise
    from models.xla import without_xla

    backbone = BACKBONES[name]
    path = files.cached([backbone.classifier_file]) or _fetch(
        backbone, backbone.classifier_file, backbone.classifier_digest
    )
    size = backbone.image_size
    network = _construct(backbone, include_top=True, input_shape=(size, size, 3))
    _load(network, path, name)
    images = keras.Input((size, size, 3), name="images")
    probabilities = depthwise(network)(preprocessing(name)(images))
    return without_xla(keras.Model(images, probabilities, name=name))


def preprocessing(name: str) -> keras.Layer:
    """Make the layer from pixels 0-255 to the values that the network was trained on, float32."""
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
