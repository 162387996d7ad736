"""Searches that train nothing and whose truth is known: the real space, made-up scores."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import keras_tuner
import numpy as np
from given_data import DATA
from searching import run_config

from models.hypermodel import ImageClassifier
from models.known_good import baseline_values
from search.algorithms.plan import Rung
from search.algorithms.registry import make_oracle
from search.process.atomic_files import write_json
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.run_folder.records import COMPLETED, TrialRecord, Values

FULL = (Rung(bracket=0, size=10**9, initial_epoch=0, epochs=3),)
"""The rungs of a random search."""


def classifier_of(config: RunConfig) -> ImageClassifier:
    """What declares the space of a run."""
    return ImageClassifier(
        families=config.families,
        backbones=config.backbones,
        image_size=config.image_size,
        num_classes=2,
        compact=config.compact,
        weights=config.weights,
    )


def begun(run, **changes) -> tuple[RunConfig, keras_tuner.HyperParameters, list[Values]]:
    """Write `config.json` and `oracle.json`; its configuration, space and known-good values."""
    config = run_config(**({"image_size": (96, 96), "algo": "random"} | changes))
    config.save(run)
    classifier = classifier_of(config)
    space = keras_tuner.HyperParameters()
    classifier.declare_hyperparameters(space)
    baselines = baseline_values(classifier)
    make_oracle(config, space, baselines=baselines, directory=run.path).save()
    return config, space, baselines


def draws(space: keras_tuner.HyperParameters, seed: int) -> Iterator[Values]:
    """Random configurations without end, as KerasTuner draws them."""
    seeds = itertools.count(seed * 10**6)
    while True:
        drawn = keras_tuner.HyperParameters()
        for hyperparameter in space.space:
            drawn.merge([hyperparameter])
            if drawn.is_active(hyperparameter):
                drawn.values[hyperparameter.name] = hyperparameter.random_sample(next(seeds))
        yield drawn.values


def searched(
    values: Iterable[Values],
    quality: Callable[[Values], float],
    *,
    rungs: tuple[Rung, ...] = FULL,
    make: Callable[..., TrialRecord] | None = None,
    baselines: int = 0,
) -> list[TrialRecord]:
    """The records of a search that found each configuration as good as `quality` says.

    Args:
        values: of each configuration, in order; a search ends where they do.
        quality: 0 to 1, what it would reach; asked once a configuration.
        rungs: in order; the better ones of a rung go on to the next of their bracket.
        make: (trial_id, values, quality, rung, parent record) -> record.
        baselines: how many of the first values the search was given.
    """
    make = make or plain_record
    source, numbers = iter(values), itertools.count()
    records, going_on = [], []
    for number, rung in enumerate(rungs):
        if rung.initial_epoch == 0:
            fresh = itertools.islice(source, rung.size)
            going_on = [(each, quality(each), None) for each in fresh]
        place = sum(other.bracket == rung.bracket for other in rungs[:number])
        ended = [
            (each, good, make(f"{next(numbers):04d}", each, good, rung, place, parent))
            for each, good, parent in going_on
        ]
        records += [record for _, _, record in ended]
        ended.sort(key=lambda entry: -entry[2].score)
        after = rungs[number + 1].size if number + 1 < len(rungs) else 0
        going_on = ended[:after]
    return [replace(r, baseline=int(r.configuration) < baselines) for r in records]


def learning_curve(quality: float, epoch: int) -> float:
    """Accuracy after an epoch, counted from 0, of what would reach `quality` in the end."""
    return 0.5 + (quality - 0.5) * (1 - math.exp(-(epoch + 1) / 4))


def plain_record(name, values, quality, rung, place, parent):
    """The record of a trial with nothing but its scores."""
    scores = [learning_curve(quality, epoch) for epoch in range(rung.initial_epoch, rung.epochs)]
    return TrialRecord(
        trial_id=name,
        configuration=parent.configuration if parent else name,
        values=values,
        bracket=rung.bracket,
        rung=place,
        initial_epoch=rung.initial_epoch,
        epochs=rung.epochs,
        parent=parent.trial_id if parent else None,
        status=COMPLETED,
        history=[
            {"epoch": rung.initial_epoch + step, "val_accuracy": score}
            for step, score in enumerate(scores)
        ],
        score=scores[-1],
        best_epoch=rung.epochs - 1,
    )


def noise(seed):
    rng = np.random.default_rng(seed)
    return lambda values: float(rng.uniform(0.5, 1))


def run_of(folder, quality, *, count, seed=0, **options):
    """A finished random search of that many drawn configurations, written down."""
    run = RunFolder(folder / "cats")
    config, space, baselines = begun(run, max_trials=count + 1, seed=seed, **options)
    write_json(run.data, DATA)
    drawn = itertools.islice(draws(space, seed), count)
    records = searched([*baselines, *drawn], quality, baselines=len(baselines))
    for record in records:
        record.save(run)
    return run, records, config
