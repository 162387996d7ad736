"""What new images are compared with: embeddings of the images of a run, kept beside its export."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.evaluation.likeness import Rows, neighbour_distances, threshold
from search.inference.classifier import BATCH, Classifier
from search.likeness.embedding import Embedding
from search.process.atomic_files import read_arrays, write_arrays
from search.process.progress import ProgressSink, Update
from search.run_folder.config import RunConfig
from search.run_folder.exported.metrics import Metrics
from search.run_folder.paths import RunFolder
from search.trial.experiment import Experiment

TRAINED = 2_000  # images that the model was trained on, at most
TESTED = 500  # of those it was tested on
RATE = 0.05  # of false alarms
NAMES = ("trained", "tested")
LEAST = 20  # test images; of fewer nothing can be told at this rate


@dataclass(frozen=True)
class Reference:
    """Embeddings of a run's images by its exported model, each of length 1.

    Attributes:
        trained: [n, columns], of images that it was trained on.
        tested: [m, columns], of images that it was tested on.
    """

    trained: Rows
    tested: Rows

    def require_columns(self, columns: int) -> None:
        """Refuse what was not made by a model with so many numbers per embedding.

        Raises:
            TuneError: it was not.
        """
        if {self.trained.shape[1], self.tested.shape[1]} != {columns}:
            raise TuneError("likeness-*.npz of the run is not of its exported model; delete it")

    @property
    def limit(self) -> float:
        """The distance to the training images that one image in twenty of their kind exceeds."""
        return threshold(neighbour_distances(self.tested, self.trained), RATE)


def reference_of(run: RunFolder, classifier: Classifier, progress: ProgressSink) -> Reference:
    """Compute them by the exported model of a run, or read them where it is still the same.

    Args:
        run: with an exported model.
        classifier: that model.
        progress: told while they are computed.

    Raises:
        TuneError: the run's prepared images are gone, or there are too few to test on.
    """
    digest = hashlib.sha256((run.export / "model.keras").read_bytes()).hexdigest()[:16]
    file = run.path / f"likeness-{digest}.npz"
    if file.exists():
        remedy = "delete it: it is made again"
        return Reference(*read_arrays(file, NAMES, "f", dimensions=2, remedy=remedy))
    for other in run.path.glob("likeness-*.npz"):  # of an earlier export
        with suppress(OSError):  # another process has, or the folder is only to be read
            other.unlink()
    experiment = Experiment.load(run).seen_by(Metrics.load(run).configuration)
    if len(experiment.test) < LEAST:
        raise TuneError(
            f"{run.name}: has {len(experiment.test)} test images; {LEAST} are needed to tell what "
            "is unlike them"
        )
    random = np.random.default_rng(RunConfig.load(run).seed)
    trained = np.concatenate([experiment.train, experiment.validation])
    chosen = [random.permutation(trained)[:TRAINED], random.permutation(experiment.test)[:TESTED]]
    with progress.task("looking at the images of the run", counted=True) as task:
        parts = [_embedded(rows, experiment, classifier, task.update) for rows in chosen]
    with suppress(OSError):  # a folder that is only to be read, or a full disk: computed again
        write_arrays(file, **dict(zip(NAMES, parts, strict=True)))
    return Reference(*parts)


def _embedded(
    rows: NDArray[np.int64], experiment: Experiment, classifier: Classifier, update: Update
) -> Rows:
    embedding = Embedding(classifier.model)
    for start in range(0, len(rows), BATCH):
        pixels = experiment.pixels[np.sort(rows[start : start + BATCH])]
        embedding.predict_on_batch(np.asarray(pixels))
        update(min(start + BATCH, len(rows)), len(rows))
    return embedding.taken()
