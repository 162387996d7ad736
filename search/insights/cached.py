"""Keep what a run has taught in its folder, so that looking at it again costs no time."""

import hashlib
import json
import warnings
from collections.abc import Sequence
from contextlib import suppress

from search.errors import TuneError
from search.insights.findings import Insights
from search.process.atomic_files import read_json, write_json
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.run_folder.records import TrialRecord
from search.run_folder.schema import from_json, to_json

VERSION = 3  # of what `find_insights` computes: what another one wrote is computed anew
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


def cached_insights(run: RunFolder, records: Sequence[TrialRecord], config: RunConfig) -> Insights:
    """Find what a run has taught; read it where `learnt.json` rests on these very results.

    Else it is computed and written, if the folder can be written to. That it cannot be computed
    is worth a warning only: what the run has found stands there without it.
    """
    mark = fingerprint(records)
    # A broken file, or one of another version, is as good as none.
    with suppress(TuneError, OSError, KeyError, TypeError):
        written = read_json(run.insights)
        if written["fingerprint"] == mark:
            return from_json(Insights, written["learnt"], file=run.insights)
    # NumPy and Optuna come with it: `tune show` of what is known loads neither.
    from search.insights.insight import find_insights

    try:
        insights = find_insights(run, records, config)
    except _ODD as error:
        warnings.warn(f"{run.path}: what it has taught cannot be said ({error})", stacklevel=2)
        return Insights()
    if insights.families:
        with suppress(OSError):
            write_json(run.insights, {"fingerprint": mark, "learnt": to_json(insights)})
    return insights


def fingerprint(records: Sequence[TrialRecord]) -> str:
    """Hash the results that a run has so far: 64 hexadecimal digits."""
    results = [
        (r.trial_id, r.configuration, r.status, r.score, r.bracket, len(r.history), r.values)
        for r in records
        if r.finished
    ]
    return hashlib.sha256(json.dumps([VERSION, results]).encode()).hexdigest()
