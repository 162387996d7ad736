"""Where and how a search runs, as a Python program says it; nothing that decides its result."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from search.api.options import option_names_of
from search.errors import TuneError
from search.executors.ray.address import parse_cluster, require_workers_that_fit
from search.process.cache_use import cache_folder
from search.process.progress import ProgressSink, Silent
from search.run_folder.paths import DEFAULT_RESULTS
from search.run_folder.records import TrialRecord

if TYPE_CHECKING:
    from search.observers.observer import Observer
    from search.observers.scoreboard import Scoreboard
    from search.trial.messages import Progress
    from search.tuning.environment import RunEnvironment

MOST_WORKERS = 64
SILENCE = 600.0  # seconds without a step after which a trial counts as hung

Display = Callable[["Scoreboard"], AbstractContextManager["Observer"]]


class RunningOptions(TypedDict, total=False):
    """Where and how a search runs.

    Attributes:
        cache_dir: folder for checked catalogs and prepared pixels; by default the user's.
        max_time: seconds after which the search ends, early enough to export in the rest.
        workers: worker processes; by default one per GPU, or one; 0 trains in this process.
        trials_per_gpu: workers on each GPU, by default 1; not together with `workers`.
        disk: bytes that prepared images and features may take, by default half of what is free, and
            on a cluster as much as all images need; those for which that is too little are decoded
            as they are needed.
        cluster: the Ray cluster whose machines run the trials: "auto", "ray://HOST:PORT", or
            "local:N" for N at once on this machine; `workers` are then those of each machine.
        trial_timeout: seconds without a step after which a trial is ended; by default 600.
        progress: told messages, warnings and progress; by default nothing is shown.
        on_trial: called with each trial that has ended.
        display: makes what shows the search while it runs; by default nothing is shown.
        then: the option of `tune run` that says what follows, for the hint after Ctrl-C.
    """

    cache_dir: str | Path | None
    max_time: float | None
    workers: int | None
    trials_per_gpu: int | None
    disk: int | None
    cluster: str | None
    trial_timeout: float
    progress: ProgressSink | None
    on_trial: Callable[[TrialRecord], None] | None
    display: Display | None
    then: str


def divided(options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the options of running apart from the others."""
    names = option_names_of(RunningOptions)
    running = {name: options[name] for name in options if name in names}
    return running, {name: options[name] for name in options if name not in running}


def environment(
    results: str | Path = DEFAULT_RESULTS,
    *,
    cache_dir: str | Path | None = None,
    max_time: float | None = None,
    workers: int | None = None,
    trials_per_gpu: int | None = None,
    disk: int | None = None,
    cluster: str | None = None,
    trial_timeout: float = SILENCE,
    progress: ProgressSink | None = None,
    on_trial: Callable[[TrialRecord], None] | None = None,
    display: Display | None = None,
    then: str = "",
) -> "RunEnvironment":
    """Gather them, checked.

    Args:
        results: folder of all runs.
        cache_dir, max_time, workers, trials_per_gpu, disk, cluster, trial_timeout, progress,
            on_trial, display, then: as `RunningOptions` describes them.

    Raises:
        TuneError: there is no time, no such cluster, or no Ray.
    """
    from search.executors.ray.connection import require_ray
    from search.tuning.environment import RunEnvironment

    if max_time is not None and not (isinstance(max_time, Real) and max_time > 0):
        raise TuneError(f"max_time: received {max_time!r}, expected seconds above 0")
    many = range(MOST_WORKERS + 1)
    if workers is not None and not (isinstance(workers, Integral) and workers in many):
        raise TuneError(f"workers: received {workers!r}, expected 0 to {MOST_WORKERS}")
    address = None if cluster is None else parse_cluster(cluster)
    require_workers_that_fit(address, workers, trials_per_gpu)
    if disk is not None and disk <= 0:
        raise TuneError(f"disk: received {disk}, expected bytes above 0")
    if address is not None:
        require_ray()
    shown: Display = display or nullcontext
    return RunEnvironment(
        Path(results),
        cache_folder(None if cache_dir is None else Path(cache_dir)),
        max_time,
        workers,
        trial_timeout,
        progress or Silent(),
        display=shown if on_trial is None else partial(_telling, shown, on_trial),
        then=then,
        cluster=address,
        trials_per_gpu=trials_per_gpu or 1,
        disk=disk,
    )


@contextmanager
def _telling(
    display: Display, on_trial: Callable[[TrialRecord], None], board: "Scoreboard"
) -> Iterator["Observer"]:
    with display(board) as observer:
        yield _Told(observer, on_trial)


class _Told:
    """An observer that tells a function of each trial that has ended, after another observer."""

    def __init__(self, observer: "Observer", on_trial: Callable[[TrialRecord], None]) -> None:
        self.observer, self.on_trial = observer, on_trial

    def trial_started(self, record: TrialRecord) -> None:
        self.observer.trial_started(record)

    def progress(self, progress: "Progress") -> None:
        self.observer.progress(progress)

    def trial_finished(self, record: TrialRecord) -> None:
        self.observer.trial_finished(record)
        self.on_trial(record)
