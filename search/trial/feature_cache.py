"""Compute the features of frozen backbones once and keep them on disk for all trials and runs.

A frozen backbone is a fixed function, so a head can be trained on its cached output. Images
are still augmented: each is kept in several views, and epoch e trains on view e mod their
number. View 0 is the plain image, view 1 the flipped one (both serve every strength above 0),
the others are drawn at random for one augmentation. All are made when first needed.

    <prepared pixels>.features/<backbone>-<input size>-<weights>-<precision>/
        about.json                  number of features, weights of the backbone
        <view>-<rows>.f32           float32 [rows, columns]; `rows` is a digest of the row numbers

The rows of a view that mixes images have two more columns: the number of the partner among the
64 images that were computed together, and the partner's share of the label.
"""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.augment.augment import augmenter
from data_pipeline.pixels.dataset import encode
from search.process.atomic_files import read_json, write_json
from search.process.progress import Update
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.partial_file import PartialFile

VIEWS = 4  # an image, where it is augmented
DISK_SHARE = 0.1  # of the free disk that all features may take; the oldest views give way
_VERSION = 1  # raise it when features come out differently: old files are then made anew
_BATCH = 64  # as in validation: the whole model then computes the same bits


@dataclass(frozen=True)
class View:
    """One look at every image.

    Attributes:
        name: of its file.
        flipped: left to right.
        augmentation: the values it is drawn with; None for none.
        seed: of what is drawn.
    """

    name: str
    flipped: bool = False
    augmentation: Values | None = None
    seed: int = 0

    @property
    def mixes(self) -> bool:
        """Whether its images, and so their labels, are mixed with others."""
        return self.augmentation is not None and self.augmentation["mix"] != "none"


def views_of(values: Values) -> list[View]:
    """The views of a configuration, in the order of epochs."""
    names = ("policy", "strength", "erasing", "mix")
    augmentation = {name: values[f"augmentation/{name}"] for name in names}
    views = [View("plain")]
    if float(augmentation["strength"]) > 0:
        views.append(View("flipped", flipped=True))
    elif augmentation["erasing"] == 0 and augmentation["mix"] == "none":
        return views
    # Steps of 0.1 do not add up exactly: 0.30000000000000004 is 0.3.
    words = (v if isinstance(v, str) else f"{v:g}" for v in augmentation.values())
    text = "-".join(words)
    return views + [
        View(f"{text}-{number}", augmentation=augmentation, seed=number)
        for number in range(len(views), VIEWS)
    ]


class FeatureCache:
    """The features of one backbone over a run's images.

    Args:
        experiment: the run.
        hp: the configuration, for its backbone and the size at which that sees images.
    """

    def __init__(self, experiment: Experiment, hp: Any) -> None:
        self.experiment, self.hp = experiment, hp
        key = experiment.classifier.features_key(hp)
        parts = (*key, experiment.config.precision, str(_VERSION))
        self.folder = experiment.features / "-".join(parts)

    @cached_property
    def about(self) -> dict[str, int]:
        """Its "num_features" and "parameters", known without building it."""
        path = self.folder / "about.json"
        if not path.exists():
            about = {
                "num_features": self.extractor.output_shape[-1],
                "parameters": self.extractor.count_params(),
            }
            write_json(path, about)
        return dict(read_json(path))

    @cached_property
    def extractor(self) -> Any:
        """The backbone with its preprocessing: images 0-255 -> features."""
        return self.experiment.classifier.build_extractor(self.hp)

    @cached_property
    def _compute(self) -> Any:
        import tensorflow as tf

        extractor = self.extractor  # built here: what is built within a trace has no weights yet
        return tf.function(lambda images: extractor(images, training=False), autograph=False)

    def plain(self, update: Update) -> NDArray[np.float32]:
        """Features of the images to train on, then of those to validate on."""
        rows = np.concatenate([self.experiment.train, self.experiment.validation])
        return self._opened(View("plain"), rows, update)

    def plain_of_all(self, update: Update) -> NDArray[np.float32]:
        """Features of every image of the run, those to test on too, in the order of rows."""
        known = np.concatenate([self.experiment.train, self.experiment.validation])
        others = np.setdiff1d(np.arange(len(self.experiment.targets)), known)
        of_all = np.empty((len(self.experiment.targets), self.about["num_features"]), np.float32)
        of_all[known] = self.plain(update)
        if len(others):
            of_all[others] = self._opened(View("plain"), others, update)
        return of_all

    def training(
        self, view: View, update: Update
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features and labels [n, 1] or [n, num_classes] of the images to train on."""
        rows = self.experiment.train
        labels = encode(self.experiment.targets[rows], self.experiment.num_classes)
        if view.name == "plain":
            return self.plain(update)[: len(rows)], labels
        lines = self._opened(view, rows, update)
        if not view.mixes:
            return lines, labels
        partner = _first_of_batch(len(rows)) + lines[:, -2].astype(np.int64)
        mixed = labels + lines[:, -1:] * (labels[partner % len(rows)] - labels)
        return np.ascontiguousarray(lines[:, :-2]), mixed.astype(np.float32)

    def _opened(self, view: View, rows: NDArray[np.int64], update: Update) -> NDArray[np.float32]:
        """The view's lines, mapped; made first if they are not there.

        The mapping is private and writeable: TensorFlow takes memory without a copy only so.
        """
        path = self.folder / f"{view.name}-{_digest(rows.tobytes())}.f32"
        columns = self.about["num_features"] + (2 if view.mixes else 0)
        if not path.exists():
            # Looked at again under the lock: another worker may have made it meanwhile.
            with _locked(path, update):
                if not path.exists():
                    self._make(view, rows, columns, path, update)
        lines = np.memmap(path, np.float32, mode="c", shape=(len(rows), columns))
        os.utime(path)  # used now: `_make_room` deletes the oldest
        return lines

    def _make(
        self, view: View, rows: NDArray[np.int64], columns: int, path: Path, update: Update
    ) -> None:
        """Compute a view, going on where an earlier attempt stopped."""
        _make_room(self.experiment.features, len(rows) * columns * 4)
        partial = PartialFile(path, row_bytes=columns * 4, whole=_BATCH)
        batches = -(-len(rows) // _BATCH)
        with partial:
            for number in range(partial.rows // _BATCH, batches):
                update(number, batches)
                wanted = rows[np.arange(number * _BATCH, (number + 1) * _BATCH) % len(rows)]
                lines = self._lines(view, wanted, number)
                partial.append(lines[: len(rows) - number * _BATCH])
        partial.finish()
        update(batches, batches)

    def _lines(self, view: View, rows: NDArray[np.int64], number: int) -> NDArray[np.float32]:
        """Features of one batch, float32 [64, columns]."""
        import tensorflow as tf

        images = tf.constant(self.experiment.pixels[rows])
        if view.flipped:
            images = images[:, :, ::-1]
        mixing = tf.eye(len(rows))
        if view.augmentation is not None:
            augment = augmenter(**view.augmentation)  # type: ignore[arg-type]
            if augment is not None:
                seed = tf.constant([view.seed, number], tf.int64)
                images, mixing = augment(images, mixing, seed)
        features = self._compute(images).numpy().astype(np.float32)
        return np.hstack([features, _partners(mixing.numpy())]) if view.mixes else features


def _partners(mixing: NDArray[np.float32]) -> NDArray[np.float32]:
    """[b, 2] from a mixing matrix [b, b]: with whom each is mixed, and that one's share."""
    others = mixing * (1 - np.eye(len(mixing), dtype=np.float32))
    partner = others.argmax(axis=1)
    return np.stack([partner, others.max(axis=1)], axis=1).astype(np.float32)


def _first_of_batch(count: int) -> NDArray[np.int64]:
    """For each of `count` rows the first row of the batch it was computed in."""
    rows: NDArray[np.int64] = np.arange(count)
    return rows - rows % _BATCH


def _digest(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()[:16]


@contextmanager
def _locked(path: Path, update: Update) -> Iterator[None]:
    """Hold the lock of a view; wait for another worker that makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # So that the driver does not take the trial for hung, and can stop it.
                update(0, 1)
                time.sleep(0.2)
        yield


def _make_room(folder: Path, needed: int) -> None:
    """Delete the views used longest ago until all take no more than their share of the disk."""
    files = sorted(folder.parent.glob("*.features/*/*.f32"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in files)
    limit = DISK_SHARE * (shutil.disk_usage(folder.parent).free + total)
    for path in files:
        if total + needed <= limit:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)  # who has it mapped keeps it
