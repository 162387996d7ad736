"""Models with new weights that cost what the trained ones will."""

from dataclasses import replace
from typing import Any

from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.training import Training


def untrained(experiment: Experiment, values: Values) -> tuple[Any, Any]:
    """A configuration's model as it is before training, and as `model.keras` holds it.

    Without pretrained weights, which change neither speed nor size and need not be at hand.

    Returns:
        Prepared pixels [b, height, width, 3] -> probabilities; and images of any size -> one
        probability a class (see `models.serving.with_preprocessing`).
    """
    from models.serving import with_preprocessing

    config = replace(experiment.config, weights=None)
    shapes = replace(experiment, config=config)
    model = Training(shapes, values, rows=experiment.train, seed=0).build()
    finished = with_preprocessing(
        model,
        image_size=config.image_size,
        crop_to_aspect_ratio=config.crop_to_aspect_ratio,
        num_classes=experiment.num_classes,
    )
    return model, finished
