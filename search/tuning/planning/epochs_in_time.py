"""Choose the epochs of a fully trained configuration so that they fit into a time limit.

Nine epochs of fine-tuning that the end cuts off are worth less than four whose learning rate has
fallen to 0: on 2,936 flowers in three minutes 0.926 and 0.944 of the test images were right. And
nine are few for what is trained from scratch: of 90 hand signs a mini-Xception had 0.73 right after
nine epochs, and 0.96 after 27.
"""

from collections.abc import Mapping
from dataclasses import replace

from models.families.registry import family_named
from search.algorithms.plan import Plan
from search.algorithms.racing.plan import race_of
from search.algorithms.registry import make_plan
from search.process.machine.hardware import detect
from search.process.printable import printable
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.process.wording import counted, duration_in_words
from search.run_folder.config import RunConfig, baseline_count
from search.run_folder.paths import RunFolder
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.step_time import StepTime
from search.tuning.planning.plan_time import (
    measured_families,
    plan_seconds,
    step_times,
    trained_first,
)

SHARE = 1 / 3  # of the time, for a built-in configuration at its full budget
LEAST_EPOCHS = 3  # with fewer a learning rate cannot rise and fall
LONGER = 3  # times the epochs, where all that is built in takes that share with these
LEAST_SECONDS = 120.0  # of a limit; below it little but probes is trained in any case


def with_epochs(
    run: RunFolder,
    config: RunConfig,
    *,
    stop: StopSignal,
    progress: ProgressSink,
) -> RunConfig:
    """The configuration with as many epochs as fit: those that it has at most, or thrice these.

    A GPU is left to the workers: there nothing is measured.

    Args:
        run: its data is written.
        config: of the run, whose epochs were left open.
        stop: says how much time the search has; asked before each measurement.
        progress: told what is measured, and what was chosen.
    """
    limit = stop.seconds_to_limit()
    if limit is None or limit < LEAST_SECONDS or config.preset or detect().gpus:
        return config
    experiment, usual = Experiment.load(run, config), config.max_epochs
    times = step_times(experiment, _slowest(experiment), stop, progress)
    images, most = len(experiment.train), SHARE * limit

    def fit(epochs: int) -> bool:
        return all(each.seconds(images, epochs) <= most for each in times.values())

    if not times:  # nothing is trained but last layers
        return config
    longer = replace(config, max_epochs=LONGER * config.max_epochs)
    if fit(longer.max_epochs):
        long_run = replace(experiment, config=longer)
        # As if all that was not measured took no time: only then the rest is measured too.
        if _fits(long_run, {"probe": StepTime(0.0, 0.0, 0.0), **times}, limit):
            try:
                every = measured_families(long_run, stop, progress, times)
                config = longer if _fits(long_run, every, limit) else config
            except Exception as error:  # noqa: BLE001 - in its trial too, which ends no search
                said = printable(str(error).splitlines()[0] if str(error) else repr(error))
                progress.message(f"a step of a family could not be measured: {said}")
    least = min(LEAST_EPOCHS, config.max_epochs)
    epochs = next(filter(fit, range(config.max_epochs, least, -1)), least)
    if epochs != usual:
        name, slowest = max(times.items(), key=lambda pair: pair[1].seconds(images, epochs))
        takes = f"{name}: {duration_in_words(slowest.seconds(images, epochs))}"
        fitting = ", as the time allows" if fit(epochs) else "; there may not be time for them"
        progress.message(
            f"at most {counted(epochs, 'epoch')} per configuration{fitting} ({takes}); "
            "--max-epochs sets another number"
        )
    return replace(config, max_epochs=epochs)


def _fits(experiment: Experiment, times: Mapping[str, StepTime], limit: float) -> bool:
    """Whether what is built in takes its share of the time, with the race before it."""
    config, race = experiment.config, race_of(experiment.config)
    *raced, first = make_plan(config).rungs[: 1 + len(race.plan if race else ())]
    built_in = replace(first, size=min(max(baseline_count(config), 1), first.size))
    return plan_seconds(Plan((*raced, built_in)), experiment, times) <= SHARE * limit


def _slowest(experiment: Experiment) -> dict[str, Values]:
    """By family what is to be measured: what is fine-tuned, where there is such a one."""
    first = trained_first(experiment)
    return {n: v for n, v in first.items() if family_named(n).pretrained} or first
