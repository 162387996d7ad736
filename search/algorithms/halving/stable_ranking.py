"""Whether more epochs change which configurations are the best (PASHA, arXiv 2207.06940).

Two scores that differ by less than their noise count as equal; how large the noise is follows from
curves that cross and cross back, by their difference at the end (Bohdal et al. 2023, section 4.2).
Numbers alone.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

PERCENTILE = 90  # of the differences between curves that cross back, the paper's


def is_stable(scores: Sequence[tuple[float, float]], noise: float) -> bool:
    """Tell whether two rungs rank configurations alike.

    Args:
        scores: of each configuration in the lower and in the higher rung, more being better.
        noise: difference of scores in the lower rung up to which two count as equal.
    """
    before = sorted((low for low, _ in scores), reverse=True)
    after = [low for low, _ in sorted(scores, key=lambda each: -each[1])]
    return all(abs(a - b) <= noise for a, b in zip(before, after, strict=True))


def noise(curves: Sequence[Sequence[float]]) -> float:
    """Estimate how much scores of equally good configurations differ; 0 where nothing shows it.

    Args:
        curves: the scores of each configuration after each epoch.
    """
    found: list[float] = []
    for one, other in combinations(curves, 2):
        length = min(len(one), len(other))
        gaps = np.subtract(one[:length], other[:length])
        signs = [sign for sign in np.sign(gaps) if sign]
        if sum(a != b for a, b in pairwise(signs)) > 1:
            found.append(abs(float(gaps[-1])))
    return float(np.percentile(found, PERCENTILE)) if found else 0.0
