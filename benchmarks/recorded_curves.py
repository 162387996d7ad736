"""Recorded learning curves, from which searches by the real oracles are answered.

A configuration that an oracle proposes becomes the most similar recorded one of its family.
"""

import gzip
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np

CURVES = Path(__file__).with_name("curves.json.gz")
EPOCHS = 9


def recorded() -> dict[str, Any]:
    """What `replay.py record` wrote: rows of values, scores per epoch, seconds; and the space."""
    return dict(json.loads(gzip.decompress(CURVES.read_bytes())))


def space_of(table: dict[str, Any]) -> Any:
    import keras_tuner

    return keras_tuner.HyperParameters.from_config(table["space"])


def best_of(table: dict[str, Any]) -> float:
    return max(max(row["scores"]) for row in table["rows"])


class Table:
    """The recorded configurations, and which of them a search has had."""

    def __init__(self, table: dict[str, Any], space: Any):
        self.rows, self.space = table["rows"], space
        self.places = [self._places(row["values"]) for row in self.rows]
        self.left = set(range(len(self.rows)))

    def _places(self, values: dict[str, Any]) -> dict[str, Any]:
        from search.algorithms.unit_space import active, choices, is_ordered, place

        found = {}
        for entry in active(self.space, dict(values)):
            at = place(entry, values[entry.name]) if entry.name in values else None
            if at is not None and is_ordered(entry):
                at = at / max(len(choices(entry) or ()) - 1, 1)
            found[entry.name] = (at, choices(entry) is None or is_ordered(entry))
        return found

    def nearest(self, values: dict[str, Any]) -> int:
        """The most similar configuration of the family that is left, by mean distance."""
        mine = self._places(values)
        family = values["family"]
        own = [n for n in sorted(self.left) if self.rows[n]["values"]["family"] == family]
        own = own or sorted(self.left)
        return min(own, key=lambda n: self._distance(mine, self.places[n]))

    @staticmethod
    def _distance(mine: dict[str, Any], other: dict[str, Any]) -> float:
        gaps = []
        for name in mine.keys() | other.keys():
            if name not in mine or name not in other:
                gaps.append(1.0)
                continue
            (a, number), (b, _) = mine[name], other[name]
            known = a is not None and b is not None
            gaps.append(abs(a - b) if known and number else float(a != b))
        return float(np.mean(gaps))


@contextmanager
def oracle_of(table: dict[str, Any], space: Any, config: Any, **options: Any) -> Iterator[Any]:
    """The oracle of a run that keeps no files."""
    from search.algorithms import durable_files, registry

    with TemporaryDirectory() as folder, mock.patch.object(durable_files, "write_json"):
        yield registry.make_oracle(
            config,
            space,
            baselines=[row["values"] for row in table["rows"] if row["baseline"]],
            directory=Path(folder),
            **options,
        )


def finished(trial_id: str, values: Any, scores: list[float], first: int) -> Any:
    """The record of a trial that had these scores, from epoch `first` on; of none it failed."""
    from search.run_folder.records import COMPLETED, FAILED, TrialRecord

    best = int(np.argmax(scores)) if scores else 0
    history = [
        {"epoch": first + number, "val_accuracy": score, "val_loss": 1 - score}
        for number, score in enumerate(scores)
    ]
    return TrialRecord(
        trial_id=trial_id,
        configuration=trial_id,
        values=values,
        bracket=0,
        rung=0,
        initial_epoch=first,
        epochs=first + len(scores),
        status=COMPLETED if scores else FAILED,
        history=history,
        score=scores[best] if scores else None,
        best_epoch=first + best if scores else None,
        reason="" if scores else "made to fail",
    )


def config_of(**changes: Any) -> Any:
    """A configuration of the search that the curves are of."""
    from search.run_folder.config import RunConfig

    settled = {
        "data": "/photos",
        "algo": "hyperband",
        "families": ("cnn", "xception", "transfer"),
        "backbones": ("mobilenet_050",),
        "image_size": (64, 64),
        "resize_mode": "squeeze",
        "compact": True,
        "weights": "imagenet",
        "max_epochs": EPOCHS,
        "factor": 3,
        "hyperband_iterations": 0,
        "max_trials": 0,
        "objective": "val_accuracy",
        "validation": 0.15,
        "test": 0.15,
        "seed": 0,
        "precision": "float32",
        "deterministic": True,
        "early_stop": False,
    }
    return RunConfig(**(settled | changes))


def standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
