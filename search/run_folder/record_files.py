"""Read the records of a run's trials; no TensorFlow, so `tune show` answers at once."""

import warnings
from contextlib import suppress
from functools import lru_cache

from search.errors import TuneError
from search.process.atomic_files import move_broken_file, read_object
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.run_folder.records import TrialRecord
from search.run_folder.schema import require_types


def load_record(run: RunFolder, trial_id: str) -> TrialRecord | None:
    """A trial's record; None, and a warning, where it cannot be read; None where there is none.

    Raises:
        TuneError: the record is whole, but another version of tune wrote it.
    """
    path = run.trials / f"{trial_id}.json"
    if not path.exists():
        return None
    try:
        values = read_object(path)
    except TuneError as error:
        warnings.warn(str(error), stacklevel=2)
        return None
    require_types(TrialRecord, values, file=path)
    try:
        if "baseline" not in values:  # older versions told a baseline by its number
            values["baseline"] = int(values["configuration"]) < _older_baselines(run)
        return TrialRecord(**values)
    except (TypeError, KeyError) as error:
        raise TuneError(f"{path}: written by another version of tune ({error})") from error


_OLDER_BASELINES = {"transfer": 5, "cnn": 1, "xception": 1}


# Every older record of a run asks for it, and each time the configuration would be read.
@lru_cache(maxsize=1)
def _older_baselines(run: RunFolder) -> int:
    return sum(_OLDER_BASELINES.get(name, 0) for name in RunConfig.load(run).families)


def move_broken_records(run: RunFolder) -> None:
    """Rename records that are no JSON; only the program that holds the run's lock may."""
    for path in run.trials.glob("[0-9]*.json"):
        try:
            read_object(path)
        except TuneError as error:
            move_broken_file(path, str(error))


def load_records(run: RunFolder) -> list[TrialRecord]:
    """All records of a run that can be read, in the order in which the trials were begun.

    A warning names the trials that have ended and have none.
    """
    records = [load_record(run, path.stem) for path in sorted(run.trials.glob("[0-9]*.json"))]
    for trial_id in _ended_without_record(run):
        warnings.warn(
            f"{run.trials / trial_id}.json: no such file; the result of trial {trial_id} is lost",
            stacklevel=2,
        )
    return [record for record in records if record is not None]


def _ended_without_record(run: RunFolder) -> list[str]:
    """The trials that the search knows to have ended, and whose records are gone."""
    found = []
    for folder in sorted((run.path / "oracle").glob("trial_[0-9]*")):
        trial_id = folder.name.removeprefix("trial_")
        if not (run.trials / f"{trial_id}.json").exists():
            with suppress(TuneError):  # neither is there: nothing is known of it
                if read_object(folder / "trial.json").get("status") in ("COMPLETED", "FAILED"):
                    found.append(trial_id)
    return found
