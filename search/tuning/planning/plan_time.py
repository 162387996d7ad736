"""Estimate how long a planned search takes, by a step of each family on this machine."""

import statistics
from collections.abc import Mapping
from types import MappingProxyType

from models.families.registry import family_named, searched
from models.pretrained.backbones import BACKBONES
from search.algorithms.plan import Plan, Rung
from search.algorithms.racing.plan import race_of
from search.algorithms.racing.race import Race
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.config import RunConfig
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.keras_setup import set_up_training
from search.trial.step_time import StepTime, measure
from search.tuning.planning.print_plan import baselines

MEASURING = "measuring a step of each family"  # what the task is called
HEAD_SECONDS = 1.0  # of a trial of which a head alone is trained, on features that are kept


def measured_families(
    experiment: Experiment,
    stop: StopSignal,
    progress: ProgressSink,
    known: Mapping[str, StepTime] = MappingProxyType({}),
) -> dict[str, StepTime]:
    """Measure a step of each family that is searched, and of probes: a few seconds each.

    Args:
        experiment: the run.
        stop: asked before each.
        progress: told that it is done.
        known: what was measured before.

    Raises:
        KeyboardInterrupt: told to stop.
    """
    first = trained_first(experiment)
    for backbone, side in _slowest(experiment.config) if race_of(experiment.config) else ():
        first["probe"] = {"family": "probe", "probe/backbone": backbone, "probe/image_size": side}
    others = {name: values for name, values in first.items() if name not in known}
    return {**known, **step_times(experiment, others, stop, progress)}


def step_times(
    experiment: Experiment, first: Mapping[str, Values], stop: StopSignal, progress: ProgressSink
) -> dict[str, StepTime]:
    """Measure a step of one configuration of each family, by its name.

    Raises:
        KeyboardInterrupt: told to stop.
    """
    set_up_training(experiment.config)
    times = {}
    with progress.task(MEASURING) as task:
        for number, (name, values) in enumerate(first.items()):
            stop.raise_if_requested()
            task.update(number, len(first), f"{MEASURING}: {name}")
            times[name] = measure(experiment, values)
    return times


def trained_first(experiment: Experiment) -> dict[str, Values]:
    """By family the first of its built-in configurations of which more than a head is trained.

    What is fine-tuned stands on the largest backbone, since it is not known yet which one wins.
    """
    winners: list[Values] = [
        {"probe/backbone": name, "probe/image_size": side}
        for name, side in _slowest(experiment.config)
    ]
    first: dict[str, Values] = {}
    for values in baselines(experiment, winners):
        name = str(values["family"])
        if not family_named(name).pretrained or values.get(f"{name}/unfreeze"):
            first.setdefault(name, values)
    return first


def _slowest(config: RunConfig) -> list[tuple[str, int]]:
    """The largest backbone at its smallest size, where backbones race."""
    return sorted(config.raced, key=lambda pair: (-BACKBONES[pair[0]].values, pair[1]))[:1]


def plan_seconds(plan: Plan, experiment: Experiment, times: Mapping[str, StepTime]) -> float:
    """Estimate the seconds of a plan.

    Trials that are ended early make it shorter, and larger configurations longer.

    Args:
        plan: of the run.
        experiment: the run.
        times: of each family of which more than a head is trained, and of "probe" where there
            is a race.
    """
    race = race_of(experiment.config)
    rungs = plan.rungs[len(race.plan) :] if race else plan.rungs
    total = _race_seconds(race, experiment, times["probe"]) if race else 0.0
    families = searched(experiment.config.families)
    for rung in rungs:
        each = [_trial_seconds(rung, len(experiment.train), times.get(name)) for name in families]
        total += rung.size * statistics.mean(each)
    return total


def _trial_seconds(rung: Rung, images: int, time: StepTime | None) -> float:
    if time is None:
        return HEAD_SECONDS
    before = time.seconds(images, rung.initial_epoch) if rung.initial_epoch else 0.0
    traced = time.first if rung.initial_epoch else 0.0  # again, where it goes on
    return time.seconds(images, rung.epochs) - before + traced


def _race_seconds(race: Race, experiment: Experiment, probe: StepTime) -> float:
    """Seconds of the features that a race computes: of each image once, at each size it sees."""
    (slowest,) = _slowest(experiment.config)
    relative = [_arithmetic(*pair) / _arithmetic(*slowest) for pair in experiment.config.raced]
    seen, before = 0, 0
    for rung in race.rungs:
        # A probe is validated on as many images as it is fitted to.
        count = sum(
            min(rung.images or len(rows), len(rows))
            for rows in (experiment.train, experiment.validation)
        )
        seen += rung.size * count - rung.again * before
        before = count
    building = probe.first * len(race.candidates)
    return building + probe.features * statistics.mean(relative) * seen


def _arithmetic(backbone: str, side: int) -> float:
    """What a backbone computes for an image, up to a factor."""
    return float(BACKBONES[backbone].values * side**2)
