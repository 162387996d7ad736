"""Compute the features of frozen backbones once and keep them on disk for all trials and runs.

A frozen backbone, or the frozen part of one, is a fixed function, so what follows can be trained
on its cached output. Images are still augmented: each is kept in several views
(`search.trial.features.views`). The features of an image are computed when they are first needed.

    <prepared pixels>.features/<backbone>-<input size>-<weights>-<precision>/
        about.json                  shape of an image's features, weights of the backbone
        <view>.f32                  float32 [all images, columns], see `RowStore`
        <view>-<rows>.f32           the same of a view that depends on which images it is made with

The rows of a view that mixes images have two more columns: the row of the partner, and the
partner's share of the label.
"""

import hashlib
import math
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.augment.augment import augmenter
from data_pipeline.pixels.dataset import encode
from search.errors import TuneError
from search.process.atomic_files import read_object, write_json
from search.process.progress import Update
from search.trial.experiment import Experiment, Rows
from search.trial.features.row_store import RowStore
from search.trial.features.view_files import locked_view, make_room
from search.trial.features.views import View

_VERSION = 3  # raise it when features come out differently: old files are then made anew
BATCH = 64  # images computed together


class FeatureCache:
    """The features of one frozen part over a run's images.

    Args:
        experiment: the run, with the pixels that the configuration takes.
        hp: the configuration, for its backbone and the size at which that sees images.
    """

    def __init__(self, experiment: Experiment, hp: Any) -> None:
        self.experiment, self.hp = experiment, hp
        key = experiment.classifier.features_key(hp)
        parts = (*key, experiment.config.precision, str(_VERSION))
        self.folder = experiment.features / "-".join(parts)
        self._stores: dict[Path, RowStore] = {}

    @cached_property
    def about(self) -> dict[str, Any]:
        """Its "shape" (of one image's features) and "parameters", known without building it."""
        path = self.folder / "about.json"
        with suppress(TuneError):  # missing, or damaged
            known = read_object(path)
            if known.keys() >= {"shape", "parameters"}:
                return known
        about = {
            "shape": list(self.extractor.output_shape[1:]),
            "parameters": self.extractor.count_params(),
        }
        write_json(path, about, shared=True)
        return about

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image's features."""
        return tuple(self.about["shape"])

    @cached_property
    def extractor(self) -> Any:
        """The frozen part with its preprocessing: images 0-255 -> features."""
        return self.experiment.classifier.build_extractor(self.hp)

    @cached_property
    def compute(self) -> Any:
        """The same as a function of 64 images."""
        from models.frozen_function import frozen_function

        return frozen_function(self.extractor, batch=BATCH)

    def plain(self, rows: Rows, update: Update) -> NDArray[np.float32]:
        """Features of plain images, float32 [all images, *shape], of which `rows` are there."""
        return self._opened(View("plain"), rows, update).reshape(-1, *self.shape)

    def training(
        self, view: View, rows: Rows, update: Update
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features as `plain`, and labels [all images, 1] or [all images, num_classes]."""
        labels = encode(self.experiment.targets, self.experiment.num_classes)
        lines = self._opened(view, rows, update)
        if view.mixes:
            partner = lines[rows, -2].astype(np.int64)
            mixed = labels.copy()
            mixed[rows] += lines[rows, -1:] * (labels[partner] - labels[rows])
            lines, labels = np.ascontiguousarray(lines[:, :-2]), mixed.astype(np.float32)
        return lines.reshape(-1, *self.shape), labels

    def _opened(self, view: View, rows: Rows, update: Update) -> NDArray[np.float32]:
        """The view's lines, mapped; those of `rows` are made first where they are not there.

        A file that is deleted meanwhile, for room or with the whole cache, is made once more.
        """
        try:
            return self._made(view, rows, update)
        except FileNotFoundError:
            return self._made(view, rows, update)

    def _made(self, view: View, rows: Rows, update: Update) -> NDArray[np.float32]:
        # What is drawn depends on the batch that an image is in, and so on all of `rows`.
        name = view.name if view.augmentation is None else f"{view.name}-{digest(rows)}"
        path = self.folder / f"{name}.f32"
        columns = math.prod(self.shape) + (2 if view.mixes else 0)
        store = self._store(path, columns)
        if len(store.missing(rows)):
            with locked_view(path, update):
                # Looked at again under the lock: another worker may have made them meanwhile.
                store.look_again()
                self._make(view, rows, store, update)
        os.utime(path)  # used now: `make_room` deletes the oldest
        return store.open()

    def _store(self, path: Path, columns: int) -> RowStore:
        """The file of a view; its content is checked when it is first opened, not each epoch."""
        if (store := self._stores.get(path)) is None:
            store = RowStore(path, (len(self.experiment.targets), columns))
            self._stores[path] = store
        else:
            store.look_again()
        return store

    def _make(self, view: View, rows: Rows, store: RowStore, update: Update) -> None:
        """Compute a view, going on where an earlier attempt stopped."""
        if view.augmentation is None:
            rows = store.missing(rows)
        make_room(self.experiment, len(rows) * store.shape[1] * 4)
        batches = -(-len(rows) // BATCH)
        with store:
            for number in range(batches):
                update(number, batches)
                places = np.arange(number * BATCH, (number + 1) * BATCH)
                count = len(rows) - number * BATCH
                wanted = rows[places % len(rows)]
                if len(store.missing(wanted[:count])):
                    store.write(wanted[:count], self._lines(view, wanted, number)[:count])
        update(batches, batches)

    def _lines(self, view: View, rows: Rows, number: int) -> NDArray[np.float32]:
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
        features = self.compute(images).numpy().reshape(len(rows), -1)
        return np.hstack([features, _partners(rows, mixing.numpy())]) if view.mixes else features


def _partners(rows: Rows, mixing: NDArray[np.float32]) -> NDArray[np.float32]:
    """[b, 2] from a mixing matrix [b, b]: the row that each is mixed with, and its share."""
    others = mixing * (1 - np.eye(len(mixing), dtype=np.float32))
    partner = rows[others.argmax(axis=1)]
    return np.stack([partner, others.max(axis=1)], axis=1).astype(np.float32)


def digest(rows: Rows) -> str:
    """Give a name to some rows in one order."""
    return hashlib.sha256(rows.tobytes()).hexdigest()[:16]
