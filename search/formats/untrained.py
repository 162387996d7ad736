"""Build and time models with new weights, which cost what the trained ones will."""

from dataclasses import replace
from typing import Any

import numpy as np

from search.formats.latency import Latency, latency
from search.formats.write import source_of
from search.process.machine.memory import released_graphs
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.training import Training


def untrained(experiment: Experiment, values: Values) -> Any:
    """Build a configuration's model as it is before training: prepared pixels -> probabilities.

    Without pretrained weights, which change neither speed nor size and need not be at hand.
    """
    shapes = replace(experiment, config=replace(experiment.config, weights=None))
    return Training(shapes, values, rows=experiment.train, seed=0).build()


def latency_in_memory(experiment: Experiment, values: Values, *, seconds: float) -> Latency:
    """Time a configuration's model without writing it, called as `tune predict` calls it.

    A file takes a process and the start of a runtime, which is too long for each configuration
    of a search. It is timed on the processor, as files are, whatever else the machine has.

    Args:
        experiment: the run.
        values: of the configuration.
        seconds: after so many no further call is begun.
    """
    import tensorflow as tf

    experiment = experiment.seen_by(values)
    image = np.zeros((*experiment.image_size, 3), np.uint8)
    # A search has many architectures: what one has traced is let go before the next.
    with released_graphs(), tf.device("/CPU:0"):
        source = source_of(experiment, untrained(experiment, values), image[None])
        return latency(source.finished.predict_on_batch, image, seconds=seconds)
