"""Search, go on with a search, or search again: what the commands that train do, as functions."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Unpack

from search.api.options import SearchOptions, TrainOptions, UpdateOptions, checked
from search.api.own_families import family_words
from search.api.run import Run
from search.api.running import RunningOptions, divided, environment
from search.errors import TuneError
from search.run_folder.paths import DEFAULT_RESULTS

if TYPE_CHECKING:
    from search.tuning.planning.print_plan import PlannedRun


class _Searching(SearchOptions, RunningOptions):
    """The options of `tune`, `plan` and `resume`."""


class _Training(TrainOptions, RunningOptions):
    """The options of `train`."""


class _Updating(UpdateOptions, RunningOptions):
    """The options of `update`."""


def tune(
    data: str | Path,
    *,
    name: str | None = None,
    results: str | Path = DEFAULT_RESULTS,
    **options: Unpack[_Searching],
) -> Run:
    """Search for the best classifier of the images in `data`, as `tune run` does.

    Ctrl-C ends the search cleanly and raises KeyboardInterrupt; `resume` goes on.

    Args:
        data: folder of images, or whatever `tune run` takes.
        name: of the run; by default the folder with date and time.
        results: folder of all runs.
        options: see `SearchOptions`; and `max_time`, `cache_dir`, `workers`,
            `trials_per_gpu`, `disk`, `cluster`, `trial_timeout`, `progress`, `on_trial`,
            `display`, see `RunningOptions`.

    Raises:
        TypeError: there is no option of that name.
        TuneError, DataError, ModelError: what a user can mend.
        KeyboardInterrupt: interrupted; what was finished is saved.
    """
    from search.tuning.run import start

    running, asked = divided(options)
    with TemporaryDirectory() as folder:
        given = _checked(asked, Path(folder))
        return Run(start(_existing(data), name, given, environment(results, **running)).path)


def plan(
    data: str | Path,
    *,
    name: str | None = None,
    results: str | Path = DEFAULT_RESULTS,
    **options: Unpack[_Searching],
) -> "PlannedRun":
    """Say what `tune` would do and how long it would take, as `tune run --dry-run` does.

    Args:
        data, name, results, options: as `tune` takes them.

    Returns:
        What would be tried. Checked and prepared images are kept for the search; a run is not.

    Raises:
        TypeError, TuneError, DataError, ModelError: as `tune` raises them.
    """
    from search.tuning.dry_run import plan_only

    running, asked = divided(options)
    with TemporaryDirectory() as folder:
        given = _checked(asked, Path(folder))
        return plan_only(_existing(data), name, given, environment(results, **running))


def train(
    data: str | Path,
    preset: str,
    *,
    name: str | None = None,
    results: str | Path = DEFAULT_RESULTS,
    **options: Unpack[_Training],
) -> Run:
    """Train one published configuration alone, as `tune train` does.

    Args:
        data, name, results: as `tune` takes them.
        preset: name of the configuration, as `tune presets` lists it.
        options: see `TrainOptions` and `RunningOptions`; by default as published.

    Raises:
        TypeError: there is no option of that name.
        TuneError, DataError, ModelError: what a user can mend.
        KeyboardInterrupt: interrupted; what was finished is saved.
    """
    from search.tuning.preset import preset_options
    from search.tuning.run import start

    running, asked = divided(options)
    given = preset_options(preset, checked(asked, TrainOptions))
    return Run(start(_existing(data), name, given, environment(results, **running)).path)


def update(
    run: Run,
    data: str | Path | None = None,
    *,
    name: str | None = None,
    results: str | Path | None = None,
    **options: Unpack[_Updating],
) -> Run:
    """Search again after photos came or labels were corrected, as `tune update` does.

    Images stay in their splits, and of the new ones the same share is for the test. Export what it
    returns, then `Run.brought` compares it with the earlier model.

    Args:
        run: to update, with an exported model.
        data: folder that holds its images and others; by default its own.
        name: of the new run.
        results: folder that it is to be in; by default that of `run`.
        options: see `UpdateOptions` and `RunningOptions`.

    Raises:
        TypeError: there is no option of that name.
        TuneError, DataError: what a user can mend.
        KeyboardInterrupt: interrupted; what was finished is saved.
    """
    from search.tuning.run import start
    from search.tuning.update import require_exported

    require_exported(run.folder)
    running, asked = divided(options)
    given = checked(asked, UpdateOptions)
    where = environment(run.path.parent if results is None else results, **running)
    folder = _existing(run.config.data if data is None else data)
    return Run(start(folder, name, given, where, updates=run.folder).path)


def resume(run: Run, data: str | Path | None = None, **options: Unpack[_Searching]) -> Run:
    """Go on with a run where it stopped, as `tune run --resume` does.

    Args:
        run: to go on with.
        data: where the same images are now; by default where they were.
        options: see `RunningOptions`; of `SearchOptions` only as it was begun with.

    Raises:
        TypeError: there is no option of that name.
        TuneError: the run was begun with other data or other options.
        KeyboardInterrupt: interrupted; what was finished is saved.
    """
    from search.tuning.run import resume as go_on

    running, asked = divided(options)
    where = environment(run.path.parent, **running)
    with TemporaryDirectory() as folder:
        given = _checked(asked, Path(folder))
        go_on(run.folder, None if data is None else _existing(data), given, where)
    return run


def _checked(asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Check the options of a search; what a script defines is written to a file in `folder`."""
    families = asked.get("families")
    own = {} if families is None else {"families": family_words(families, folder)}
    return checked(asked | own)


def _existing(data: str | Path) -> Path:
    path = Path(data)
    if not path.exists():
        raise TuneError(f"{path}: no such file or folder")
    return path
