"""`tune run --dry-run`: say what a search would do and how long it would take, and end."""

import shutil
from dataclasses import replace
from pathlib import Path

from search.algorithms.registry import make_plan
from search.process.machine.hardware import detect
from search.process.wording import about_in_words
from search.runs.lock import locked
from search.tuning.environment import RunEnvironment
from search.tuning.new_run import clear_unbegun, default_name, new_folder, settled
from search.tuning.planning.print_plan import PlannedRun, announce
from search.tuning.planning.resolve_config import Options


def plan_only(
    data: Path, name: str | None, options: Options, environment: RunEnvironment
) -> PlannedRun:
    """Prepare a new run and print its plan; of the run nothing is left, of the data the cache.

    Without a time limit a step of each family is measured. A GPU is left to the workers: there
    nothing is.

    Raises:
        TuneError, DataError, ModelError: what a user can mend.
    """
    progress = environment.progress
    run = new_folder(environment.results, default_name(data) if name is None else name)
    with locked(run), environment.stop_signal(run) as stop:
        try:
            clear_unbegun(run)
            config = settled(
                run,
                data,
                options,
                cache_dir=environment.cache_dir,
                disk=environment.images_disk,
                stop=stop,
                progress=progress,
            )
            from search.trial.experiment import Experiment
            from search.tuning.planning.plan_time import measured_families, plan_seconds

            plan, experiment = make_plan(config), Experiment.load(run, config)
            open_ended = environment.open_ended(config)
            planned = announce(plan, config, experiment, progress, open_ended=open_ended)
            seconds = environment.max_time
            if seconds is None and not detect().gpus:
                times = measured_families(experiment, stop, progress)
                seconds = plan_seconds(plan, experiment, times)
                progress.message(
                    f"time: {about_in_words(seconds)} on this machine, without the "
                    "export; --max-time sets a limit"
                )
            return replace(planned, seconds=seconds)
        finally:
            shutil.rmtree(run.path, ignore_errors=True)  # a network disk may keep the open lock
