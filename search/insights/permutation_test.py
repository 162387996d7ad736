"""Test which hyperparameters the ranks depend on, more than chance explains.

Of a dozen configurations the best few always share something, so that the largest of twenty
importances is large whatever was searched. The question is therefore: does the rank depend on this
value at all? The statistic is the share of the ranks' variance that goes with the value: with
its rank and its rank's square for numbers, which finds a rising, a falling and a humped course;
with the choice itself for choices (Kruskal and Wallis 1952). Permuting the ranks, which is
exact for values that were drawn at random, gives each hyperparameter a chance level of its own,
whatever the number of its values and of the configurations that have it. The smallest of all
levels is compared with the smallest in each permutation, then without it the next smallest, so
that among all hyperparameters together a false one is named with the probability asked for
(Westfall and Young 1993, "Resampling-based multiple testing", step-down min-P; Ge, Dudoit and
Speed 2003, Test 12(1)).

Permuting PED-ANOVA's own importances asks only about those at the top: at 49 configurations it
named both of two true ones in 20 % of made-up searches, this, at the same 5 %, in 84 %
(`benchmarks/insights.py`).
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from search.insights.space import Hyperparameter, Value

Floats = NDArray[np.float64]
PERMUTATIONS = 4999  # the smallest level, 1/5000, is below 1 % after twenty comparisons
BLOCK = 2_000_000  # numbers permuted at once: 16 MB, and a few times that while they are looked at
FEWEST = 4  # configurations that have a hyperparameter, below which nothing is asked


def chance_levels(
    space: Mapping[str, Hyperparameter],
    values: Sequence[Mapping[str, Value]],
    ranks: Sequence[float],
    *,
    seed: int = 0,
) -> dict[str, float]:
    """Compute how likely so strong a dependence is by chance, 0 to 1, adjusted for all questions.

    Args:
        space: the hyperparameters asked about.
        values: of each configuration; inactive hyperparameters are missing.
        ranks: of each configuration.
        seed: of the permutations.
    """
    courses = {
        name: course
        for name, hyperparameter in space.items()
        if (course := _course(hyperparameter, values)) is not None
    }
    if not courses:
        return {}
    rng = np.random.default_rng(seed)
    true = np.array(ranks, np.float64)
    explained = np.vstack(
        [
            np.stack([_explained(course, rows) for course in courses.values()], axis=1)
            for rows in _rows(true, rng)
        ]
    )
    return dict(zip(courses, _step_down(_levels(explained)), strict=True))


def _rows(true: Floats, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield the ranks as they are, [1, n], then permuted, [rows, n] at a time: what fits a block.

    The number of permutations is the same for any n: with fewer, the smallest level that can be
    told, times the comparisons, would not be below what is asked for.
    """
    yield true[np.newaxis]
    at_once = max(1, BLOCK // len(true))
    for done in range(0, PERMUTATIONS, at_once):
        rows = np.tile(true, (min(at_once, PERMUTATIONS - done), 1))
        yield rng.permuted(rows, axis=1, out=rows)


def places(
    hyperparameter: Hyperparameter, values: Sequence[Mapping[str, Value]]
) -> NDArray[np.float64]:
    """Place each configuration's value in its range, NaN where it has none: float64 [n]."""
    name = hyperparameter.name
    known_places = [hyperparameter.place(v[name]) if name in v else None for v in values]
    return np.array([np.nan if place is None else place for place in known_places], np.float64)


def _course(
    hyperparameter: Hyperparameter, values: Sequence[Mapping[str, Value]]
) -> tuple[Floats, Floats] | None:
    """Say who has it, 1 or 0 [n], and what a rank may depend on, orthonormal columns [n, k].

    Columns are centred over those that have it, and 0 for the others.
    """
    place = places(hyperparameter, values)
    active = ~np.isnan(place)
    distinct, which = np.unique(place[active], return_inverse=True)
    if active.sum() < FEWEST or len(distinct) < 2:
        return None
    if hyperparameter.ordered:
        counts = np.bincount(which)
        rank = (np.cumsum(counts) - counts / 2)[which]
        course = np.stack([rank, (rank - rank.mean()) ** 2], axis=1)
    else:
        course = np.eye(len(distinct))[which]
    # Columns that follow from others drop out: the square says nothing new of two values,
    # and of k choices k - 1 say all.
    left, size, _ = np.linalg.svd(course - course.mean(axis=0), full_matrices=False)
    left = left[:, size > 1e-9 * size.max()]
    columns = np.zeros((len(place), left.shape[1]))
    columns[active] = left
    return active.astype(np.float64), columns


def _explained(course: tuple[Floats, Floats], ranks: Floats) -> Floats:
    """Compute the share of the variance of each row of ranks that goes with the columns: [rows]."""
    active, columns = course
    total = ranks**2 @ active - (ranks @ active) ** 2 / active.sum()
    # Where all ranks are equal there is no variance to divide by.
    return np.asarray(((ranks @ columns) ** 2).sum(axis=1) / np.maximum(total, 1e-12))


def _levels(explained: Floats) -> Floats:
    """Compute the share of rows that have as much or more in the same column: [rows, columns]."""
    rounded = explained.round(9)  # equal but for rounding is equal
    ordered = np.sort(rounded, axis=0)
    below = [np.searchsorted(o, r) for o, r in zip(ordered.T, rounded.T, strict=True)]
    return 1.0 - np.stack(below, axis=1) / len(rounded)


def _step_down(levels: Floats) -> list[float]:
    """Adjust the level of each column in row 0; the other rows are what chance does."""
    adjusted = np.zeros(levels.shape[1])
    order = np.argsort(levels[0], kind="stable")
    largest = 0.0
    for step, column in enumerate(order):
        smallest = levels[:, order[step:]].min(axis=1)
        # Never below that of a smaller level: the order of the levels stays.
        largest = max(largest, float((smallest <= levels[0, column] + 1e-12).mean()))
        adjusted[column] = largest
    return [float(level) for level in adjusted]
