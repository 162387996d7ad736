"""Measure an exported model on labelled images: `tune evaluate`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.catalog.entries import Catalog
from data_pipeline.near_duplicates.known_images import KnownImages
from search.errors import TuneError
from search.evaluation.calibration import Abstention, answered
from search.evaluation.intervals import wilson_interval
from search.evaluation.metrics import Measurement, measure
from search.inference.classifier import BATCH, Classifier
from search.inference.known_images import load_known


@dataclass(frozen=True, kw_only=True)
class Evaluation(Measurement):
    """The figures of a model on a folder.

    Attributes:
        set_aside: files that could not be used.
        trained_on: images that the model was trained on, or copies of such; None where that is
            not known, as of an export that was moved away from its run.
        accuracy_on_others, interval_on_others: without these; None without others.
        abstain: figures of the answers above its threshold; None without one.
    """

    set_aside: int
    trained_on: int | None = field(default=None, metadata={"omit": True})
    accuracy_on_others: float | None = field(default=None, metadata={"omit": True})
    interval_on_others: tuple[float, float] | None = field(default=None, metadata={"omit": True})
    abstain: Abstention | None = field(default=None, metadata={"omit": True})


def evaluate_folder(
    classifier: Classifier, data: Path, *, known: KnownImages | None = None, **preparing: Any
) -> Evaluation:
    """Measure accuracy with its interval, AUC and confusion matrix on a folder of labelled images.

    Args:
        classifier: the model.
        data: the folder.
        known: what tells again the images that the model was trained on.
        preparing: `cache_dir`, `options` and `progress`, as
            `data_pipeline.preparation.prepare.prepare` takes them.

    Raises:
        TuneError: the folder has classes that the model does not know.
    """
    from data_pipeline.preparation.prepare import prepare

    catalog, (prepared,) = prepare(
        data,
        image_sizes=[classifier.image_size],
        resize_mode=classifier.resize_mode,
        **preparing,
    )
    if unknown := set(catalog.class_names) - set(classifier.class_names):
        raise TuneError(
            f"{data}: has classes that the model does not know: {', '.join(sorted(unknown))}; "
            f"it knows {', '.join(classifier.class_names)}"
        )
    # The folder may have fewer classes than the model, and so other class numbers.
    numbers = np.array([classifier.class_names.index(label) for label in catalog.class_names])
    pixels = prepared.open()
    rows = [
        classifier.probabilities(np.asarray(pixels[start : start + BATCH]))
        for start in range(0, len(pixels), BATCH)
    ]
    probabilities, targets = np.concatenate(rows), numbers[catalog.targets]
    abstention = answered(probabilities, targets, threshold=classifier.threshold)
    return Evaluation(
        **vars(measure(probabilities, targets, classifier.class_names)),
        set_aside=len(catalog.entries) - len(catalog.kept),
        **_on_others(known, catalog, probabilities.argmax(axis=1) == targets),
        abstain=abstention if classifier.threshold else None,
    )


def _on_others(
    known: KnownImages | None, catalog: Catalog, right: NDArray[np.bool_]
) -> dict[str, Any]:
    """How many images the model was trained on, and its accuracy on the others."""
    if known is None:
        return {}
    trained_on = known.among(catalog)
    others = right[~trained_on]
    if not len(others):
        return {"trained_on": len(right)}
    return {
        "trained_on": int(trained_on.sum()),
        "accuracy_on_others": float(others.mean()),
        "interval_on_others": wilson_interval(int(others.sum()), len(others)),
    }


def known_to(model: str) -> KnownImages | None:
    """What an exported model was trained on, if its run is where it was made; else None."""
    if model.startswith("imagenet:"):
        return None
    path = Path(model)
    return load_known((path if path.is_dir() else path.parent).resolve().parent)
