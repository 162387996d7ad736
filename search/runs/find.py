"""Find runs: all of a folder, one by its name, its folder or its export."""

import os
import warnings
from pathlib import Path

from search.errors import TuneError
from search.process.atomic_files import read_object
from search.process.printable import printable
from search.run_folder.paths import DEFAULT_RESULTS, RunFolder
from search.runs.lock import SEARCH


def runs(results: Path) -> list[RunFolder]:
    """List all runs below a results folder, that which was begun or gone on with last first."""
    found = [(searched(run), run) for run in map(RunFolder, results.glob("[!.]*")) if is_run(run)]
    return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]


def is_run(run: RunFolder) -> bool:
    """Whether a folder holds a run: other programs too write a `config.json`."""
    try:
        return run.config.is_file() and (run.data.exists() or run.trials.is_dir())
    except OSError:  # of another user
        return False


def begun(run: RunFolder) -> float:
    """When its configuration was written, in seconds of Unix time; 0 where it is gone."""
    try:
        return run.config.stat().st_mtime
    except OSError:  # just deleted
        return 0.0


def searched(run: RunFolder) -> float:
    """When it was begun or last gone on with, likewise."""
    try:
        return max(begun(run), (run.path / SEARCH).stat().st_mtime)
    except OSError:  # it has never been locked here
        return begun(run)


def find_run(results: Path, name: str | None) -> RunFolder:
    """Find the run of that name, in that folder, or of that export; without a name the newest.

    Raises:
        TuneError: there is no such run; the message lists those there are.
    """
    known = runs(results)
    if name is None and known:
        return _newest(known)
    for run in known:
        if run.name == name:
            return run
    if (given := run_at(Path(name or ""))) is not None:
        return given
    if not known:
        raise TuneError(f"{results}/: no runs here; start one with 'tune run DATA'")
    names = ", ".join(run.name for run in known[:10])
    raise TuneError(f"no run named {name!r} in {results}/; there are: {names}")


def run_at(path: Path) -> RunFolder | None:
    """The run whose folder, or whose export, a path leads to; None where it leads to none."""
    folders = (path, path.parent) if path.name == "export" else (path,)
    found = (RunFolder(folder) for folder in folders if folder.name)  # "." has none
    return next(filter(is_run, found), None)


def exported_at(model: str, results: Path = DEFAULT_RESULTS) -> str:
    """The exported model that is meant: a path as it is, or that of a run, by its path or name.

    Raises:
        TuneError: there is nothing at that path, or a run that has no export.
    """
    path = Path(model)
    if model.startswith("imagenet:") or path.suffix == ".keras" or (path / "model.keras").exists():
        return model
    run = run_at(path) or run_at(results / path)
    if run is None:
        if not os.path.lexists(path):
            raise TuneError(
                f"{printable(model)}: no such model; expected an exported folder, a file of one, "
                "a run, or imagenet:BACKBONE"
            )
        return model
    if not run.export.is_dir():
        raise TuneError(
            f"{printable(run.name)}: has no exported model yet; make one with "
            f"'tune export-best {run.argument}'"
        )
    return str(run.export)


def _newest(known: list[RunFolder]) -> RunFolder:
    """The newest run whose configuration can be read; where none can be, the newest."""
    for run in known:
        try:
            read_object(run.config)
        except TuneError as error:
            warnings.warn(f"{error}; {run.name} is left out", stacklevel=2)
        else:
            return run
    return known[0]
