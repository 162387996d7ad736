"""Features of several frozen backbones side by side, each kept by itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.process.progress import Update
from search.trial.experiment import Experiment, Rows
from search.trial.features.cache import FeatureCache


class JoinedFeatures(FeatureCache):
    """The same as one cache, of pooled features, put together when they are asked for.

    Args:
        experiment: the run, with the pixels that the configuration takes.
        hp: the configuration.
        parts: the caches, in the order of their columns.
    """

    def __init__(self, experiment: Experiment, hp: Any, parts: Sequence[FeatureCache]) -> None:
        super().__init__(experiment, hp)
        self.parts = parts

    @property
    def about(self) -> dict[str, Any]:
        """Its "shape" (of one image's features) and "parameters"."""
        return {
            "shape": [sum(part.shape[0] for part in self.parts)],
            "parameters": sum(int(part.about["parameters"]) for part in self.parts),
        }

    def plain(self, rows: Rows, update: Update) -> NDArray[np.float32]:
        """Features of plain images, float32 [all images, features], of which `rows` are there."""
        # Zeros that are never written take no memory.
        features = np.zeros((len(self.experiment.targets), *self.shape), np.float32)
        start = 0
        for part in self.parts:
            end = start + part.shape[0]
            features[rows, start:end] = part.plain(rows, update)[rows]
            start = end
        return features
