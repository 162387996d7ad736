"""A loaded classifier that keeps what its last layer was given."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.evaluation.likeness import Rows, unit_rows


class Embedding:
    """Calls a model as `search.inference.classifier.Classifier` does, and keeps its embeddings.

    Args:
        model: images [b, h, w, 3] 0-255 -> probabilities, as exported.

    Attributes:
        columns: numbers per embedding.

    Raises:
        TuneError: it does not end in a dense layer.
    """

    def __init__(self, model: Any) -> None:
        from models.inner_outputs import with_inner_outputs

        inner = with_inner_outputs(model)
        if "embedding" not in inner.output:
            raise TuneError(
                "the model does not end in a dense layer; whether images are alike is "
                "told by what that is given"
            )
        import keras

        from models.xla import without_xla

        self.columns = int(inner.output["embedding"].shape[-1])
        outputs = {name: inner.output[name] for name in ("probabilities", "embedding")}
        self._model = without_xla(keras.Model(inner.input, outputs))
        self._kept: list[Rows] = []

    def predict_on_batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute probabilities, float32 [n, classes], and keep the embeddings.

        An image whose probabilities are no numbers is an error, and has none.
        """
        answer = self._model.predict_on_batch(images)
        probabilities = np.asarray(answer["probabilities"], np.float32)
        known = np.isfinite(probabilities).all(axis=1)
        self._kept.append(unit_rows(np.asarray(answer["embedding"], np.float32)[known]))
        return probabilities

    def taken(self) -> Rows:
        """Give the embeddings of all images so far, of length 1 each, and forget them."""
        kept, self._kept = self._kept, []
        return np.concatenate(kept) if kept else np.zeros((0, 0), np.float32)
