"""Search, or go on with a search: what `tune run` does, as functions."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Unpack

from search.api.options import SearchOptions, checked
from search.api.own_families import family_words
from search.api.run import Run
from search.errors import TuneError
from search.process.cache_use import cache_folder
from search.process.progress import ProgressSink, Silent
from search.run_folder.paths import DEFAULT_RESULTS
from search.run_folder.records import TrialRecord

if TYPE_CHECKING:
    from search.observers.observer import Observer
    from search.observers.scoreboard import Scoreboard
    from search.trial.messages import Progress
    from search.tuning.run import RunEnvironment

SILENCE = 600.0  # seconds without a step after which a trial counts as hung


def tune(
    data: str | Path,
    *,
    name: str | None = None,
    results: str | Path = DEFAULT_RESULTS,
    cache_dir: str | Path | None = None,
    max_time: float | None = None,
    workers: int | None = None,
    trial_timeout: float = SILENCE,
    progress: ProgressSink | None = None,
    on_trial: Callable[[TrialRecord], None] | None = None,
    **options: Unpack[SearchOptions],
) -> Run:
    """Search for the best classifier of the images in `data`, as `tune run` does.

    Ctrl-C ends the search cleanly and raises KeyboardInterrupt; `resume` goes on.

    Args:
        data: folder of images, or whatever `tune run` takes.
        name: of the run; by default the folder with date and time.
        results: folder of all runs.
        cache_dir: folder for checked catalogs and prepared pixels; by default the user's.
        max_time: seconds after which the search ends, early enough to export in the rest.
        workers: worker processes; by default one per GPU, or one; 0 trains in this process.
        trial_timeout: seconds without a step after which a trial is ended.
        progress: told messages, warnings and progress; by default nothing is shown.
        on_trial: called with each trial that has ended.
        options: see `SearchOptions`.

    Raises:
        TypeError: there is no option of that name.
        TuneError, DataError, ModelError: what a user can mend.
        KeyboardInterrupt: interrupted; what was finished is saved.
    """
    from search.tuning.run import start

    environment = _environment(
        results, cache_dir, max_time, workers, trial_timeout, progress, on_trial
    )
    with TemporaryDirectory() as folder:
        if options.get("families") is not None:
            options["families"] = family_words(options["families"], Path(folder))
        given = checked(options)
        return Run(start(_existing(data), name, given, environment).path)


def update(
    run: Run,
    data: str | Path | None = None,
    *,
    name: str | None = None,
    corrections: str | Path | None = None,
    max_trials: int | None = None,
    cache_dir: str | Path | None = None,
    max_time: float | None = None,
    workers: int | None = None,
    trial_timeout: float = SILENCE,
    progress: ProgressSink | None = None,
    on_trial: Callable[[TrialRecord], None] | None = None,
) -> Run:
    """Search again after photos came or labels were corrected, as `tune update` does.

    Images stay in their splits, and of the new ones the same share is for the test. Export what it
    returns, then `Run.brought` compares it with the earlier model.

    Args:
        run: to update, with an exported model.
        data: folder that holds its images and others; by default its own.
        name: of the new run.
        corrections: a file of corrected labels (CSV: path, old, new, when).
        max_trials: configurations tried, first the three best of `run`; by default these alone.
        cache_dir, max_time, workers, trial_timeout, progress, on_trial: as `tune` takes them.

    Raises:
        TuneError, DataError: what a user can mend.
        KeyboardInterrupt: interrupted; what was finished is saved.
    """
    from search.run_folder.config import RunConfig
    from search.tuning.run import start
    from search.tuning.update import require_exported

    require_exported(run.folder)
    environment = _environment(
        run.path.parent, cache_dir, max_time, workers, trial_timeout, progress, on_trial
    )
    folder = _existing(RunConfig.load(run.folder).data if data is None else data)
    given = checked({"corrections": corrections, "max_trials": max_trials})
    return Run(start(folder, name, given, environment, updates=run.folder).path)


def resume(
    run: Run,
    data: str | Path | None = None,
    *,
    cache_dir: str | Path | None = None,
    max_time: float | None = None,
    workers: int | None = None,
    trial_timeout: float = SILENCE,
    progress: ProgressSink | None = None,
    on_trial: Callable[[TrialRecord], None] | None = None,
) -> Run:
    """Go on with a run where it stopped, as `tune run --resume` does.

    Args:
        run: to go on with.
        data: where the same images are now; by default where they were.
        cache_dir, max_time, workers, trial_timeout, progress, on_trial: as `tune` takes them.

    Raises:
        TuneError: the run was begun with other data.
        KeyboardInterrupt: interrupted; what was finished is saved.
    """
    from search.tuning.run import resume as go_on

    environment = _environment(
        run.path.parent, cache_dir, max_time, workers, trial_timeout, progress, on_trial
    )
    go_on(run.folder, None if data is None else _existing(data), {}, environment)
    return run


def _existing(data: str | Path) -> Path:
    path = Path(data)
    if not path.exists():
        raise TuneError(f"{path}: no such file or folder")
    return path


def _environment(
    results: str | Path,
    cache_dir: str | Path | None,
    max_time: float | None,
    workers: int | None,
    trial_timeout: float,
    progress: ProgressSink | None,
    on_trial: Callable[[TrialRecord], None] | None,
) -> "RunEnvironment":
    from search.tuning.run import RunEnvironment

    if max_time is not None and max_time <= 0:
        raise TuneError(f"max_time: received {max_time:g}, expected seconds above 0")

    def display(board: "Scoreboard") -> AbstractContextManager["Observer"]:
        return nullcontext(_Told(board, on_trial))

    return RunEnvironment(
        Path(results),
        cache_folder(None if cache_dir is None else Path(cache_dir)),
        max_time,
        workers,
        trial_timeout,
        progress or Silent(),
        display=display,
    )


class _Told:
    """An observer that tells a function of each trial that has ended."""

    def __init__(self, board: "Scoreboard", on_trial: Callable[[TrialRecord], None] | None) -> None:
        self.board, self.on_trial = board, on_trial

    def trial_started(self, record: TrialRecord) -> None:
        self.board.trial_started(record)

    def progress(self, progress: "Progress") -> None:
        self.board.progress(progress)

    def trial_finished(self, record: TrialRecord) -> None:
        self.board.trial_finished(record)
        if self.on_trial is not None:
            self.on_trial(record)
