"""Compute how long a search had searched when each of its trials ended."""

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from search.run_folder.records import TrialRecord


class Ended(NamedTuple):
    """A finished trial and the seconds of searching until it ended, pauses left out."""

    seconds: float
    record: TrialRecord


def timeline(records: Iterable[TrialRecord]) -> list[Ended]:
    """Sort the finished trials by when they ended.

    A search may be stopped in the evening and go on in the morning, and several workers train at
    once: time is counted while any trial runs, once. Trials that an older version ran do not say
    when they ended; they are taken to have run before the others, one after another.
    """
    return _timeline(record for record in records if record.finished)


def seconds_searched(records: Iterable[TrialRecord]) -> float:
    """Seconds in which any trial ran, those that did not end too, pauses left out."""
    ends = _timeline(record if record.finished else _so_far(record) for record in records)
    return max((end.seconds for end in ends), default=0.0)


def _so_far(record: TrialRecord) -> TrialRecord:
    """A trial that did not end, as if it had run without a pause since it was begun."""
    begun = record.begun
    return record.with_outcome(ended=None if begun is None else begun + record.seconds)


def _timeline(records: Iterable[TrialRecord]) -> list[Ended]:
    finished = list(records)
    undated = [record for record in finished if record.ended is None]
    spent = accumulate(record.seconds for record in undated)
    before = [Ended(*pair) for pair in zip(spent, undated, strict=True)]
    dated = [record for record in finished if record.ended is not None]
    start = before[-1].seconds if before else 0.0
    return before + [
        Ended(start + end.seconds, end.record)
        for end in _while_any_ran(sorted(_with_clock_set_right(dated), key=_end))
    ]


def _with_clock_set_right(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The same where the clock was set back while a search ran.

    Trials begin in the order of their ids. One that seems to have begun before another with a
    lower id is taken to have begun when all of those had ended, and what follows on it is moved
    as far.
    """
    set_right: list[TrialRecord] = []
    latest, moved = 0.0, 0.0
    for record in sorted(records, key=lambda record: record.trial_id):
        ended = _end(record) + moved
        if record.begun is not None:
            begun = record.begun + moved
            if begun < latest:
                step = max(map(_end, set_right)) - begun
                begun, ended, moved = begun + step, ended + step, moved + step
            if ended < begun:  # it was set back while this one ran
                ended = begun + record.seconds
            latest = begun
        set_right.append(record.with_outcome(ended=ended))
    return set_right


def _end(record: TrialRecord) -> float:
    return record.ended or 0.0


def _while_any_ran(finished: Iterable[TrialRecord]) -> list[Ended]:
    ends: list[Ended] = []
    busy: list[tuple[float, float]] = []  # spans in which something ran, apart and in order
    total = 0.0
    for record in finished:
        end = record.ended or 0.0
        start = end - record.seconds
        # Spans that overlap become one, so that time in which several trained counts once.
        while busy and busy[-1][1] >= start:
            earlier = busy.pop()
            total -= earlier[1] - earlier[0]
            start = min(start, earlier[0])
        busy.append((start, end))
        total += end - start
        ends.append(Ended(total, record))
    return ends
