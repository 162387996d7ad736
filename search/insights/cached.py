"""What a run has taught, kept beside it: looking at a run again costs no time."""

import hashlib
import json
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from search.errors import TuneError
from search.process.atomic_files import read_json, write_json
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.run_folder.records import TrialRecord

NOTHING: dict[str, Any] = {
    "families": [],
    "importance": [],
    "edges": [],
    "words": [],
    "configurations": 0,
}
VERSION = 2  # of what `find_insights` computes: what another one wrote is computed anew
# What records of another version or of another program's search might lead to.
_ODD = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


def cached_insights(
    run: RunFolder, records: Sequence[TrialRecord], config: RunConfig
) -> dict[str, Any]:
    """What `find_insights` says, from `learnt.json` where that rests on these very results.

    Else it is computed and written, if the folder can be written to. That it cannot be computed
    is worth a warning only: what the run has found stands there without it.
    """
    mark = fingerprint(records)
    with suppress(TuneError, OSError, KeyError, TypeError):
        kept = read_json(run.insights)
        if kept["fingerprint"] == mark:
            return dict(kept["learnt"])
    from search.insights.insight import find_insights

    try:
        found = find_insights(run, records, config)
    except _ODD as error:
        warnings.warn(f"{run.path}: what it has taught cannot be said ({error})", stacklevel=2)
        return dict(NOTHING)
    if found["families"]:
        with suppress(OSError):
            write_json(run.insights, {"fingerprint": mark, "learnt": found})
    return found


def fingerprint(records: Sequence[TrialRecord]) -> str:
    """Of the results that a run has so far: 64 hexadecimal digits."""
    results = [
        (r.trial_id, r.configuration, r.status, r.score, r.bracket, len(r.history), r.values)
        for r in records
        if r.finished
    ]
    return hashlib.sha256(json.dumps([VERSION, results]).encode()).hexdigest()
