"""Print the plan of a search before it starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.families.registry import family_named
from search.algorithms.plan import Plan
from search.evaluation.objective import BALANCED, suited_to
from search.process.progress import ProgressSink
from search.process.wording import counted
from search.run_folder.config import RunConfig
from search.run_folder.data_summary import DataSummary, SplitSizes
from search.run_folder.records import Values
from search.tuning.planning.plan_lines import (
    classes_in_plan,
    gpus_in_plan,
    not_used_in_plan,
)
from search.tuning.planning.planned_disk import PlannedDisk

_FITTED = {"squeeze": "", "crop": " (their middle alone)", "pad": " (with black bars)"}


@dataclass(frozen=True)
class PlannedRun:
    """What a search will do.

    Attributes:
        configurations, trials, epochs: as in `search.algorithms.plan.Plan`.
        splits: how many images are for what.
        class_names, class_counts: in the order of class numbers; images of each.
        not_used: files and folders that are not used, by reason.
        disk, disk_free: bytes that training states may take, and that are free.
        images_disk: bytes of the prepared images.
        features_disk: bytes that features of pretrained networks may take.
        prepared_share: of the images, 0 to 1; the others are decoded as they are needed.
        config: all that decides its result.
        seconds: that it takes, estimated, or its time limit; None where that is not known.
    """

    configurations: int
    trials: int
    epochs: int
    splits: SplitSizes
    class_names: tuple[str, ...]
    class_counts: tuple[int, ...]
    not_used: dict[str, int]
    disk: int
    disk_free: int
    images_disk: int
    features_disk: int
    prepared_share: float
    config: RunConfig
    seconds: float | None = None


def announce(
    plan: Plan,
    config: RunConfig,
    experiment: Any,
    progress: ProgressSink,
    *,
    open_ended: bool = False,
) -> PlannedRun:
    """Print what the search will try, on which images, and the disk space that it may need.

    Args:
        plan: of one round, where the search is open-ended.
        config: of the run.
        experiment: the run.
        progress: told.
        open_ended: whether it goes on until its time is up.
    """
    height, width = config.image_size
    families = ", ".join(config.families)
    moved = "".join(f", {name} from {low:g} to {high:g}" for name, low, high in config.ranges)
    limits = f", at most {config.budget.in_words()} per file" if config.budget.limited else ""
    disk = PlannedDisk.of(experiment, largest_model(experiment), plan.checkpoints)
    splits = SplitSizes(len(experiment.train), len(experiment.validation), len(experiment.test))
    counts = np.bincount(experiment.targets, minlength=experiment.num_classes).tolist()
    not_used = DataSummary.load(experiment.run).not_used or {}
    sizes = f"{splits.train:,} training, {splits.validation:,} validation and "
    progress.message(
        f"{experiment.run.name}: {config.algo}, {_size(plan, open_ended=open_ended)}\n"
        f"{sizes}{splits.test:,} test images of {counted(experiment.num_classes, 'class')} at "
        f"{height}×{width}{_FITTED[config.resize_mode]}{_seen(config)}\n"
        f"{classes_in_plan(experiment.class_names, counts)}\n"
        f"{not_used_in_plan(not_used, config.data)}"
        f"families: {families}{' (compact, as there is no GPU)' if config.compact else ''}, "
        f"{config.precision}, objective {config.objective}{_why(config, experiment.class_counts)}, "
        f"seed {config.seed}{moved}{limits}\n"
        f"{race_in_plan(plan, config, splits.train)}"
        f"{gpus_in_plan()}"
        f"{disk.in_words()}"
    )
    return PlannedRun(
        configurations=plan.configurations,
        trials=plan.trials,
        epochs=plan.epochs,
        splits=splits,
        class_names=experiment.class_names,
        class_counts=tuple(counts),
        not_used=not_used,
        disk=disk.states,
        disk_free=disk.free,
        images_disk=disk.images,
        features_disk=disk.features,
        prepared_share=disk.prepared_share,
        config=config,
    )


def _size(plan: Plan, *, open_ended: bool) -> str:
    """Say how much a search will try."""
    about = "" if plan.exact else "about "
    return (
        f"{counted(plan.configurations, 'configuration')} in {about}"
        f"{counted(plan.trials, 'trial')}, {about}{counted(plan.epochs, 'epoch')} in all"
        f"{', and more while there is time' if open_ended else ''}"
    )


def _why(config: RunConfig, counts: Sequence[int]) -> str:
    """Say why the objective is not accuracy, where the classes are the reason; else ""."""
    if config.objective != BALANCED or suited_to(counts) != BALANCED:
        return ""
    times = max(counts) / min(count for count in counts if count)
    return f" (the largest class has {times:.1f} times the images of the smallest)"


def race_in_plan(plan: Plan, config: RunConfig, train: int) -> str:
    """Say what is raced on how many images, as a line; "" where there is no race."""
    rungs = [rung for rung in plan.rungs if rung.images is not None or rung.again]
    if not rungs:
        return ""
    images = [f"all {train:,}" if rung.images is None else f"{rung.images:,}" for rung in rungs]
    listed = f"{', '.join(images[:-1])} and {images[-1]}" if images[1:] else images[0]
    what = f"{rungs[0].size} backbones and sizes, the better half on more"
    if rungs[0].size < len(config.raced):
        what = f"{rungs[0].size} backbones at one size, the better half at each size and on more"
    joined = ", then the best two together" if "joined" in config.families else ""
    return f"race: {what} of {listed} images{joined}\n"


def _seen(config: RunConfig) -> str:
    """Say which backbones there are, and at which sizes they see images; "" without any."""
    sides = " and ".join(map(str, config.backbone_sizes))
    return f", backbones ({', '.join(config.backbones)}) at {sides} px" if sides else ""


def largest_model(experiment: Any) -> int:
    """Number of weights of the largest baseline: what is searched is about as large.

    A backbone is not built for this, which would take seconds: its weights are known.
    """
    from models.hypermodel import with_values
    from models.pretrained.backbones import BACKBONES

    counts = [BACKBONES[name].values for name in experiment.config.backbones]
    for values in baselines(experiment):
        if not family_named(str(values["family"])).pretrained:
            counts.append(experiment.classifier.build(with_values(values)).count_params())
    return max(counts)


def baselines(experiment: Any, winners: Sequence[Values] = ()) -> list[Values]:
    """What is tried first: the preset or the best of an earlier run, else what each family has.

    Args:
        experiment: the run.
        winners: of the race of backbones, the best first.
    """
    from models.known_good import baseline_values
    from models.presets import PRESETS

    if experiment.config.preset:
        values = dict(PRESETS[experiment.config.preset].values)
        if (name := f"{values['family']}/image_size") in values:  # another may have been given
            values[name] = max(experiment.config.image_size)
        return [values]
    if experiment.config.begin_with:
        return [_begun_with(experiment, values) for values in experiment.config.begin_with]
    return baseline_values(experiment.classifier, winners)


def _begun_with(experiment: Any, values: Values) -> Values:
    """Complete values of an earlier run: since then the space may have got a hyperparameter."""
    from models.known_good import completed

    # What is solved has none but its own.
    is_probe = family_named(str(values["family"])).solved
    return dict(values) if is_probe else completed(experiment.classifier, values)
