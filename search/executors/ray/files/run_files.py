"""What a node needs of a run: small files, which each slot is given, and large ones, kept once."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.pixels.prepared import PreparedPixels, largest_there
from models.pretrained.backbones import BACKBONES
from models.pretrained.weights import content_digest, first_in, keras_cache_folder
from search.run_folder.config import RunConfig
from search.run_folder.data_summary import DataSummary
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder

KERAS = "keras"  # folder of a node's cache that is KERAS_HOME there
_LOOKED_AT = 5  # photos that a node shows to see


@dataclass(frozen=True)
class LargeFile:
    """A file that a node keeps in its cache.

    Attributes:
        path: on the driver's machine.
        place: below the cache folder of a node, with "/".
        grows: whether a node adds to it; then what is there already stays.
    """

    path: Path
    place: str
    grows: bool = False


@dataclass(frozen=True)
class Photos:
    """The files that images are decoded from which are not prepared.

    Attributes:
        some: a few of them.
        images: the run's list of all images, which says what each file is.
    """

    some: tuple[Path, ...]
    images: LargeFile


@dataclass(frozen=True)
class RunFiles:
    """What trials read of a run.

    Attributes:
        small: content by the path within the run's folder.
        pixels: prepared images, in the order of `RunConfig.prepared_sizes`.
        weights: of pretrained networks.
        weights_place: where the weights lie that `RunConfig.weights` names as a path; "" for none.
        features: of frozen backbones.
        photos: None where all images are prepared.
    """

    small: dict[str, bytes]
    pixels: tuple[LargeFile, ...]
    weights: tuple[LargeFile, ...]
    weights_place: str
    features: tuple[LargeFile, ...]
    photos: Photos | None = None

    @property
    def large(self) -> tuple[LargeFile, ...]:
        """All that a node without anything is sent, in this order."""
        photos = (self.photos.images,) if self.photos else ()
        return (*self.pixels, *photos, *self.weights, *self.features)

    @classmethod
    def of(cls, run: RunFolder) -> "RunFiles":
        """Gather them, once the data of the run is prepared.

        Raises:
            TuneError: a file of the run is missing or broken.
        """
        config, data = RunConfig.load(run), DataSummary.load(run)
        paths = [_there(Path(path)) for path in (data.pixels, *(data.other_pixels or ()))]
        weights, place = _weights(config)
        return cls(
            small={name: (run.path / name).read_bytes() for name in _small(run)},
            pixels=tuple(LargeFile(path, f"prepared/{path.name}") for path in paths),
            weights=tuple(weights),
            weights_place=place,
            features=tuple(_features(paths, config)),
            photos=_photos(run, data, paths),
        )


def _there(path: Path) -> Path:
    """The file of pixels by its name now; one that is gone is missed when it is sent."""
    try:
        return largest_there(path)
    except FileNotFoundError:
        return path


def _photos(run: RunFolder, data: DataSummary, pixels: list[Path]) -> Photos | None:
    """What a node has to see besides: nothing where all images are prepared."""
    prepared = min(_rows(path) for path in pixels)
    if prepared >= data.images:
        return None
    images = Images.load(run)
    rows = np.linspace(prepared, data.images - 1, min(_LOOKED_AT, data.images - prepared))
    some = tuple(images.root / images.paths[row] for row in rows.astype(int).tolist())
    # The same photos may lie in another folder too.
    root = hashlib.sha256(os.fsencode(images.root)).hexdigest()[:16]
    place = f"prepared/{pixels[0].stem}.{root}.{run.images.name}"
    return Photos(some, LargeFile(run.images.resolve(), place))


def _rows(path: Path) -> int:
    return len(PreparedPixels(path, (0, 0), "").open())


def _small(run: RunFolder) -> Iterator[str]:
    for path in (run.config, run.data, run.splits, run.targets, run.groups):
        if path.exists():  # runs of older versions have no groups
            yield path.name
    for path in sorted(run.families.glob("*")) if run.families.is_dir() else ():
        if path.is_file():
            yield f"{run.families.name}/{path.name}"


def _weights(config: RunConfig) -> tuple[list[LargeFile], str]:
    """Files of weights, and where those lie on a node that the user named."""
    if config.weights is None:
        return [], ""
    if config.weights == "imagenet":
        keras = keras_cache_folder()
        found = [LargeFile(each, f"{KERAS}/models/{each.name}") for each in _in(keras, config)]
        settings = keras.parent / "keras.json"
        if settings.exists():
            found.append(LargeFile(settings, f"{KERAS}/{settings.name}"))
        return found, ""
    path = Path(config.weights)
    if path.is_file():
        place = f"weights/{content_digest(path)}/{path.name}"
        return [LargeFile(path, place)], place
    folder = f"weights/{path.name}"
    return [LargeFile(each, f"{folder}/{each.name}") for each in _in(path, config)], folder


def _in(folder: Path, config: RunConfig) -> Iterator[Path]:
    """Of each network all files that are there: which is taken depends on the image size."""
    for name in config.backbones:
        for file_name in BACKBONES[name].file_names((224, 224)):
            if found := first_in(folder, [file_name]):
                yield found


def _features(pixels: list[Path], config: RunConfig) -> Iterator[LargeFile]:
    """Features that are there already. Rows are noted in ".rows", which has to come last."""
    for path in pixels:
        for folder in sorted(path.with_suffix(".features").glob("*/")):
            if not folder.name.startswith(tuple(f"{name}-" for name in config.backbones)):
                continue
            for pattern in ("about.json", "*.f32", "*.rows"):
                for file in sorted(folder.glob(pattern)):
                    place = f"prepared/{folder.parent.name}/{folder.name}/{file.name}"
                    yield LargeFile(file, place, grows=True)


def linked(files: RunFiles, cache: Path | None) -> dict[str, Path]:
    """Files of a slot's folder that lie elsewhere: their names, and where.

    Args:
        files: of the run.
        cache: of the node; None where it is on the driver's machine.
    """
    if files.photos is None:
        return {}
    images = files.photos.images
    return {images.path.name: cache / images.place if cache else images.path}


def adapted(files: RunFiles, cache: Path) -> dict[str, bytes]:
    """The small files as they are right on a node that has the large ones in its cache."""
    data, config = (json.loads(files.small[name]) for name in ("data.json", "config.json"))
    first, *others = (str(cache / each.place) for each in files.pixels)
    data |= {"pixels": first, "other_pixels": others}
    if files.weights_place:
        config["weights"] = str(cache / files.weights_place)
    changed = {"data.json": data, "config.json": config}
    return files.small | {name: json.dumps(value).encode() for name, value in changed.items()}
