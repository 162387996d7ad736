"""Leave out of a search what would break the limits of its run, before it is trained."""

from collections.abc import Callable
from dataclasses import replace

from models.families.registry import family_named
from search.errors import TuneError
from search.formats.cost import Costs
from search.formats.registry import ALWAYS
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.keras_setup import set_up_training
from search.tuning.planning.resolve_config import Options

Pair = tuple[str, int]  # a backbone, and the longer side in pixels of what it sees


def within_limits(
    run: RunFolder,
    config: RunConfig,
    options: Options,
    *,
    stop: StopSignal,
    progress: ProgressSink,
) -> RunConfig:
    """Measure each backbone at each image size, and leave out those that break a limit.

    Args:
        run: its data is written, `config.json` not yet.
        config: of the run.
        options: what the user gave.
        stop: asked whether to stop.
        progress: told what is measured, and what is left out and why.

    Raises:
        TuneError: nothing that was asked for keeps to the limits, or there was no time to measure.
        KeyboardInterrupt: interrupted.
    """
    if not config.budget.limited or not config.raced:
        return config
    set_up_training(config)
    costs = Costs(Experiment.load(run, config), counted(config), stop=stop, progress=progress)
    with progress.task("measuring backbones") as task:
        try:
            broken = _broken(config, costs, task.update)
        except KeyboardInterrupt:
            if stop.interrupted:
                raise
            raise TuneError(f"{stop.reason} before all backbones were measured") from None
    if broken:
        lines = "; ".join(f"{name} at {side} px, {why}" for (name, side), why in broken.items())
        progress.message(f"left out by the limit of {config.budget.in_words()}: {lines}")
    config = replace(config, left_out=tuple(broken))
    fitting = {name for name, _ in config.raced}
    config = replace(config, backbones=tuple(n for n in config.backbones if n in fitting))
    return config if fitting else _without_backbones(config, options, progress)


def counted(config: RunConfig) -> tuple[str, ...]:
    """Return the formats for which the limits of a run hold."""
    return config.formats or (ALWAYS.name,)


def allowed_in(experiment: Experiment, progress: ProgressSink) -> Callable[[Values], bool]:
    """Make the function that says whether values keep to the limits of a run.

    It measures each architecture once, which takes seconds.
    """
    config = experiment.config
    # No stop ends it: what an oracle proposes must not depend on when a search was stopped.
    costs = Costs(experiment, counted(config), stop=StopSignal(), progress=progress)

    def allowed(values: Values) -> bool:
        if not config.budget.limited:
            return True
        family = values["family"]
        pair = (values.get(f"{family}/backbone"), values.get(f"{family}/image_size"))
        if pair in config.left_out:
            return False
        cost = costs.of(values)
        return cost is not None and config.budget.allows(cost)

    return allowed


def _broken(config: RunConfig, costs: Costs, update: Callable[[int, int], None]) -> dict[Pair, str]:
    """Return what breaks a limit, and why, the smallest images of a backbone first."""
    broken: dict[Pair, str] = {}
    pairs = sorted(config.raced, key=lambda pair: (config.backbones.index(pair[0]), pair[1]))
    for number, (backbone, side) in enumerate(pairs):
        update(number, len(pairs))
        if any(name == backbone for name, _ in broken):
            broken[backbone, side] = "as for smaller images"  # which take less time
            continue
        values: Values = {"family": "probe", "probe/backbone": backbone, "probe/image_size": side}
        cost = costs.of(values)
        if cost is None or not config.budget.allows(cost):
            broken[backbone, side] = cost.in_words() if cost else "cannot be written"
    return broken


def _without_backbones(config: RunConfig, options: Options, progress: ProgressSink) -> RunConfig:
    """Leave out the families that stand on a backbone, unless they were asked for.

    Raises:
        TuneError: they were.
    """
    pretrained = [name for name in config.families if family_named(name).pretrained]
    why = (
        f"no backbone keeps to {config.budget.in_words()} as {', '.join(counted(config))}: "
        "allow more, or ask for other --backbones, --backbone-sizes or --format"
    )
    asked = options.get("families") or ()
    if options.get("backbones") or any(name in asked for name in pretrained):
        raise TuneError(why)
    progress.warning(f"family {', '.join(pretrained)} left out: {why}")
    rest = tuple(name for name in config.families if name not in pretrained)
    return replace(config, families=rest)
