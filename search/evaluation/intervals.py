"""Intervals of shares, and of the difference of two."""

import math
from collections.abc import Iterable


def wilson_interval(correct: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of an accuracy (Wilson 1927), sound near 0 and 1 and for small sets."""
    if total == 0:
        return 0.0, 1.0
    share = correct / total
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    centre = share + z * z / (2 * total)
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def paired_interval(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """95 % interval of the difference of two accuracies on the same images.

    Newcombe 1998 ("Improved confidence intervals for the difference between binomial proportions
    based on paired data", method 10), sound where the two hardly ever differ.

    Args:
        both: images that both have right.
        first: that the first alone has right.
        second: that the second alone has right.
        neither: that neither has right.

    Returns:
        Of the first's accuracy less the second's.
    """
    total = both + first + second + neither
    if total == 0:
        return -1.0, 1.0
    one, other = both + first, both + second
    (low_1, high_1), (low_2, high_2) = (wilson_interval(n, total) for n in (one, other))
    share_1, share_2 = one / total, other / total
    margins = one * (total - one) * other * (total - other)
    product = float(both * neither - first * second)
    if product > 0:  # a correction for continuity
        product = max(product - total / 2, 0.0)
    phi = product / math.sqrt(margins) if margins else 0.0

    def spread(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))

    difference = share_1 - share_2
    return (
        difference - spread(share_1 - low_1, high_2 - share_2),
        difference + spread(high_1 - share_1, share_2 - low_2),
    )


def paired_recall_interval(counts: Iterable[tuple[int, int, int]]) -> tuple[float, float]:
    """95 % interval of the difference of two balanced accuracies on the same images.

    Agresti and Min 2005 ("Simple improved confidence intervals for comparing matched proportions")
    in each class, half an image more in each cell, for the variance alone: of many small classes
    it would draw the mean to 0 too. The classes count the same.

    Args:
        counts: of each class its images, those that the first alone has right, and those that the
            second alone has; one image or more.

    Returns:
        Of the first's balanced accuracy less the second's.
    """
    differences, variances = [], []
    for images, first, second in counts:
        total, mine, theirs = images + 2.0, first + 0.5, second + 0.5
        differences.append((first - second) / images)
        variances.append((mine + theirs - (mine - theirs) ** 2 / total) / (total * images))
    classes = len(differences)
    centre = sum(differences) / classes
    spread = 1.959964 * math.sqrt(sum(variances)) / classes
    return max(centre - spread, -1.0), min(centre + spread, 1.0)
