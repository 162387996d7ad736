"""How long a search had searched when each of its trials ended."""

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from search.records import TrialRecord


class Ended(NamedTuple):
    """A finished trial and the seconds of searching until it ended, pauses left out."""

    seconds: float
    record: TrialRecord


def timeline(records: Iterable[TrialRecord]) -> list[Ended]:
    """The finished trials in the order in which they ended.

    A search may be stopped in the evening and go on in the morning, and several workers train at
    once: time is counted while any trial runs, once. Records of older versions do not say when
    they ended; then trials are taken to have run one after another.
    """
    finished = [record for record in records if record.finished]
    if any(record.ended is None for record in finished):
        spent = accumulate(record.seconds for record in finished)
        return [Ended(*pair) for pair in zip(spent, finished, strict=True)]
    return _while_any_ran(sorted(finished, key=lambda record: record.ended or 0.0))


def _while_any_ran(finished: Iterable[TrialRecord]) -> list[Ended]:
    found: list[Ended] = []
    busy: list[tuple[float, float]] = []  # spans in which something ran, apart and in order
    total = 0.0
    for record in finished:
        end = record.ended or 0.0
        start = end - record.seconds
        while busy and busy[-1][1] >= start:
            earlier = busy.pop()
            total -= earlier[1] - earlier[0]
            start = min(start, earlier[0])
        busy.append((start, end))
        total += end - start
        found.append(Ended(total, record))
    return found
