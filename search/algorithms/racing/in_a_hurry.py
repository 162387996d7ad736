"""Cut a race short where there is no time for all rungs: from the first to the last at once."""

from collections.abc import Callable, Sequence
from typing import Any

from search.algorithms.plan import Rung
from search.algorithms.racing.probed import (
    BACKBONE,
    Probed,
    by_score,
    going_on,
    is_clearly_ahead,
)
from search.run_folder.records import Values

Fits = Callable[[Values], bool]


def is_short(
    likely: Sequence[Values], last: int, entries: Sequence[Probed], in_a_hurry: Callable[[], bool]
) -> bool:
    """Whether the race goes from its first rung to its last at once.

    Args:
        likely: of the first rung those that are tried also in a hurry.
        last: number of the last rung.
        entries: the probes of one backbone each that were begun.
        in_a_hurry: whether there is no time for all rungs.
    """
    beyond = {entry.rung for entry in entries if entry.rung}
    opened = [entry for entry in entries if entry.ended and not entry.rung]
    seen = [entry.values for entry in opened]
    if last < 2 or not all(values in seen for values in likely):
        return False
    if not by_score(opened):  # all that was likely failed
        return False
    return in_a_hurry() if not beyond else beyond == {last}


def at_once(
    candidates: Sequence[Values], rungs: Sequence[Rung], entries: Sequence[Probed], fits: Fits
) -> list[Values]:
    """What follows on the first rung: its best at the smallest size, then larger.

    So something is there soon, and by its time it is known what else there is time for. Of one
    that was clearly ahead a larger size comes before the runner-up.

    Args:
        candidates, rungs: of the race, as it is planned.
        entries: the probes of one backbone each that were begun.
        fits: whether there is time for a probe of all images.
    """
    finals = [entry for entry in entries if entry.rung == len(rungs) - 1]
    begun = [entry.values for entry in finals]
    ended = [entry.values for entry in finals if entry.ended]
    scored = [entry.values for entry in finals if entry.score is not None]

    def larger(smallest: Values) -> list[Values]:
        others = _sizes(candidates, smallest[BACKBONE])[1:]
        # Most are best at the largest.
        return [v for v in others if v in begun][:1] or [v for v in others if fits(v)][-1:]

    names = _seen_at_once(candidates, rungs, entries, fits)
    field = [_sizes(candidates, name)[0] for name in names]
    if all(values in ended for values in field):
        best = [entry.values for entry in by_score(e for e in finals if e.values in field)]
        return field + [values for smallest in best for values in larger(smallest)]
    first_rung = [entry for entry in entries if not entry.rung]
    if field and field[0] in scored and is_clearly_ahead(first_rung, names, rungs[0].images):
        return [field[0], *larger(field[0]), *field[1:]]
    return field


def _seen_at_once(
    candidates: Sequence[Values], rungs: Sequence[Rung], entries: Sequence[Probed], fits: Fits
) -> list[Any]:
    """The backbones that see all images at once: those begun, then the likeliest in time."""
    last = len(rungs) - 1
    begun = list(dict.fromkeys(e.values[BACKBONE] for e in entries if e.rung == last))
    ranked = _best_of_each(by_score(entry for entry in entries if entry.rung == 0))
    in_time = [
        entry
        for entry in ranked
        if entry.values[BACKBONE] in begun or fits(_sizes(candidates, entry.values[BACKBONE])[0])
    ]
    # Something is to be tried, also where nothing is known to end in time.
    likely = going_on(in_time or ranked, rungs[last].size, rungs[0].images)
    names = [*begun, *(entry.values[BACKBONE] for entry in likely)]
    return list(dict.fromkeys(names))[: rungs[last].size]


def _sizes(candidates: Sequence[Values], backbone: Any) -> list[Values]:
    """The candidates of one backbone, the smallest size first."""
    return [values for values in candidates if values[BACKBONE] == backbone]


def _best_of_each(ranked: Sequence[Probed]) -> list[Probed]:
    """Of each backbone the best, in order."""
    first = {entry.values[BACKBONE]: entry for entry in reversed(ranked)}
    return [entry for entry in ranked if first[entry.values[BACKBONE]] is entry]
