"""Say which images are unlike those of a run, and whether all of them together are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from search.evaluation.likeness import PERMUTATIONS, energy_test, neighbour_distances
from search.evaluation.reservoir import Reservoir
from search.inference.classifier import Classifier, Prediction
from search.likeness.embedding import Embedding
from search.likeness.reference import RATE, TESTED, Reference

LEAST = 10  # images of which it is told whether they differ together


@dataclass(frozen=True)
class Checked:
    """What is known of images together.

    Attributes:
        images: that could be read.
        unlike: of these, those that are unlike the training images.
        p_value: of being drawn as the test images were; None for fewer than ten.
    """

    images: int
    unlike: int
    p_value: float | None

    def in_words(self) -> list[str]:
        """Say it in sentences."""
        said = [
            f"{self.unlike:,} of {self.images:,} photos are unlike the training images (of photos "
            f"of the same kind {100 * RATE:g} % are called so)"
        ]
        if self.p_value is not None:
            differ = self.p_value <= RATE
            together = "differ from the test images" if differ else "are not shown to differ"
            said.append(
                f"together they {together} (p = {self.p_value:.3f}, energy distance, "
                f"{PERMUTATIONS} permutations)"
            )
        return said


class Check:
    """Predicts, and notes how far each image is from those that a model was trained on.

    Args:
        classifier: the exported model of a run.
        reference: of that run.

    Raises:
        TuneError: they do not belong together.
    """

    def __init__(self, classifier: Classifier, reference: Reference) -> None:
        self._embedding = Embedding(classifier.model)
        self.classifier = replace(classifier, model=self._embedding)
        reference.require_columns(self._embedding.columns)
        self._reference, self._limit = reference, reference.limit
        self._chosen = Reservoir(TESTED)
        self._unlike = 0

    def noted(self, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
        """Add to each prediction of `classifier` whether its image is unlike those trained on."""
        waiting: list[bool] = []
        for prediction in predictions:
            if prediction.error:
                yield prediction
                continue
            if not waiting:  # the next batch was answered
                waiting = self._look()
            unlike = waiting.pop(0)
            self._unlike += unlike
            yield replace(prediction, unlike=unlike)

    def result(self) -> Checked:
        """Say what is known of all images so far."""
        images = self._chosen.seen
        if images < LEAST:
            return Checked(images, self._unlike, None)
        p_value = energy_test(np.stack(self._chosen.rows), self._reference.tested)
        return Checked(images, self._unlike, p_value)

    def _look(self) -> list[bool]:
        rows = self._embedding.taken()
        for row in rows:
            self._chosen.add(row)
        distances = neighbour_distances(rows, self._reference.trained)
        return [bool(far) for far in distances > self._limit]
