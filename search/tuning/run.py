"""Run a search over a folder of labelled images, from the first check to the last trial.

Read from top to bottom: look at the machine, settle the configuration, prepare the data, say
the plan, search, say what was found.
"""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.families.own.references import names_in, references_in
from search.algorithms.ranges import with_ranges
from search.algorithms.registry import make_plan
from search.errors import TuneError
from search.insights.cached import cached_insights
from search.observers.observer import Observer
from search.observers.pace import Pace
from search.observers.scoreboard import Scoreboard
from search.process.progress import ProgressSink
from search.process.stop_signal import SAID, StopSignal
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.data_summary import DataSummary
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.own_families import trust_families
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialRecord
from search.runs.lock import locked
from search.tuning.environment import RunEnvironment
from search.tuning.new_run import clear_unbegun, default_name, new_folder, settled
from search.tuning.planning.print_plan import announce, baselines
from search.tuning.planning.resolve_config import Options, load_tensorflow
from search.tuning.preparation.prepare_apart import prepare
from search.tuning.update import settled_update

if TYPE_CHECKING:
    from search.tuning.loop import Executor


def start(
    data: Path,
    name: str | None,
    options: Options,
    environment: RunEnvironment,
    *,
    updates: RunFolder | None = None,
) -> RunFolder:
    """Begin a new run and search until it ends, its time is up, or Ctrl-C.

    Args:
        data: folder of the images.
        name: of the run; None for one by the folder and the time.
        options: what the user gave.
        environment: where it lives.
        updates: the run whose images these are, and others (`search.tuning.update`).

    Raises:
        TuneError, DataError, ModelError: what a user can mend.
    """
    run = new_folder(environment.results, default_name(data) if name is None else name)
    settle = settled if updates is None else partial(settled_update, updates)
    with (
        locked(run),
        environment.stop_signal(run) as stop,
        environment.workers_for(run) as workers,
    ):
        clear_unbegun(run)
        try:
            config = settle(
                run,
                data,
                options,
                cache_dir=environment.cache_dir,
                disk=environment.images_disk,
                stop=stop,
                progress=environment.progress,
            )
        except BaseException:
            # Nothing was begun: leave nothing behind. A network disk may keep the open lock.
            shutil.rmtree(run.path, ignore_errors=True)
            raise
        stop.asked = True
        _search(run, config, workers, stop, environment)
    return run


def resume(
    run: RunFolder, data: Path | None, options: Options, environment: RunEnvironment
) -> RunFolder:
    """Go on with a run where it stopped.

    The images may be at another place than before, if they are the same.

    Raises:
        TuneError: the run was begun with other options or other data.
    """
    config = RunConfig.load(run)
    asked = {key: value for key, value in options.items() if value is not None}
    named = references_in(asked.get("families", ()))
    families = {*names_in(asked.get("families", ())), "probe"}
    if "families" in asked and families == {*config.families, "probe"}:
        del asked["families"]  # probes are added to those that were asked for
    if differing := config.differences(asked):
        lines = "\n".join(f"  {line}" for line in differing)
        raise TuneError(
            f"{run.name} cannot go on with other options than it was begun with:\n{lines}\n"
            "leave them out to go on, or start a new run"
        )
    trust_families(run, config, named)
    with (
        locked(run),
        environment.stop_signal(run) as stop,
        environment.workers_for(run) as workers,
    ):
        load_tensorflow(environment.progress)
        if data is not None:
            config = replace(config, data=str(data.resolve()))
        prepare(
            run,
            config,
            cache_dir=environment.cache_dir,
            disk=_disk_again(run, environment),
            progress=environment.progress,
        )
        config.save_again(run)
        stop.asked = True
        _search(run, config, workers, stop, environment)
    return run


def _disk_again(run: RunFolder, environment: RunEnvironment) -> ImagesDisk | None:
    """What prepared images may take: what was said before, where nothing else is said now."""
    said = DataSummary.load(run).disk if run.data.exists() else None
    if environment.disk is not None or said is None:
        return environment.images_disk
    return ImagesDisk(said)


def _search(
    run: RunFolder,
    config: RunConfig,
    workers: "Executor | None",
    stop: StopSignal,
    environment: RunEnvironment,
) -> None:
    """Search until done or stopped, and say where things stand."""
    import keras_tuner

    from search.executors.in_process import InProcess
    from search.observers.tensorboard import TensorBoardLog
    from search.trial.experiment import Experiment
    from search.trial.keras_setup import set_up_training
    from search.tuning.loop import Search
    from search.tuning.time_to_export import TimeToExport

    set_up_training(config)
    experiment = Experiment.load(run)
    space = keras_tuner.HyperParameters()
    experiment.classifier.declare_search(space)
    space = with_ranges(space, config.ranges)
    open_ended = environment.open_ended(config)
    oracle = _oracle(experiment, space, stop, environment.progress, open_ended=open_ended)
    plan = make_plan(config)
    records = load_records(run)
    announce(plan, config, experiment, environment.progress, open_ended=open_ended)
    # Preparing the images has taken some of the time already.
    pace = Pace(plan, stop.seconds_to_limit(), open_ended, **_already_done(records))
    board = Scoreboard(pace, records, objective=objective_of(config))
    observers: list[Observer] = [
        TensorBoardLog(experiment, space),
        TimeToExport(stop, experiment, records),
    ]
    with environment.display(board) as display:
        done = Search(
            run,
            oracle,
            workers or InProcess(experiment),
            observers=[display, *observers],
            max_epochs=config.max_epochs,
            early_stop=config.early_stop,
            stop=stop,
        ).to_the_end()
    if not done:
        environment.progress.message(
            f"{stop.reason}: {board.finished_in_words()} and saved; "
            f"go on with: {_to_go_on(run, stop, environment)}"
        )
    if stop.interrupted:
        raise KeyboardInterrupt(SAID)
    if stop.full_disk:
        raise TuneError("free some space, and go on with the command above")
    with environment.progress.task("looking at what the search has taught"):
        cached_insights(run, load_records(run), config)


def _to_go_on(run: RunFolder, stop: StopSignal, environment: RunEnvironment) -> str:
    """The command that goes on with a search; after Ctrl-C with what was asked of it."""
    words = ["tune run --resume", run.argument]
    if stop.interrupted:
        left = stop.seconds_to_limit()
        words += [f"--max-time {max(left, 1.0):.0f}s"] if left is not None else []
        words += [environment.then] if environment.then else []
    words += [f"--cluster {environment.cluster.text}"] if environment.cluster else []
    return " ".join(words)


def _oracle(
    experiment: Any, space: Any, stop: StopSignal, progress: ProgressSink, *, open_ended: bool
) -> Any:
    """What proposes the trials of a run, as it was left."""
    from search.algorithms.registry import make_oracle
    from search.tuning.planning.limits import allowed_in

    return make_oracle(
        experiment.config,
        space,
        baselines=baselines(experiment),
        baselines_on=partial(baselines, experiment),
        allowed=allowed_in(experiment, progress),
        time_left=stop.seconds_left,
        open_ended=open_ended,
        directory=experiment.run.path,
        images=len(experiment.validation),
        seen_by_all=len(experiment.train) + len(experiment.validation),
    )


def _already_done(records: list[TrialRecord]) -> dict[str, int]:
    finished = [record for record in records if record.finished]
    return {
        "trials_done": len(finished),
        "epochs_done": sum(
            record.epochs - record.initial_epoch if record.stopped_early else len(record.history)
            for record in finished
        ),
    }
