"""Tell whether images are like others: by distance of each, and of all of them together."""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 10
PERMUTATIONS = 999

Rows = NDArray[np.float32]


def unit_rows(rows: NDArray[np.float32]) -> Rows:
    """Scale each row to length 1, so that how bright an image is counts for less."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(lengths, 1e-12)).astype(np.float32)


def neighbour_distances(rows: Rows, known: Rows) -> NDArray[np.float64]:
    """Give the distance of each row to its tenth nearest among `known`.

    Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors" (arXiv 2204.06507).

    Args:
        rows: [n, columns], as `unit_rows` gives them.
        known: [m, columns], one or more.

    Returns:
        float64 [n], 0 to 2.
    """
    from sklearn.metrics import pairwise_distances

    k = min(NEIGHBOURS, len(known)) - 1
    nearest: NDArray[np.float64] = np.partition(pairwise_distances(rows, known), k, axis=1)[:, k]
    return nearest


def threshold(distances: NDArray[np.float64], rate: float) -> float:
    """Give what a further image of the same kind exceeds with a probability of at most `rate`.

    Split conformal prediction (Vovk et al. 2005): exact for images that are drawn alike.

    Args:
        distances: of images that are like those that will come, and were not trained on.
        rate: of false alarms, above 0.

    Returns:
        Infinity where there are too few for this rate.
    """
    place = int(np.ceil((len(distances) + 1) * (1 - rate)))
    return float(np.sort(distances)[place - 1]) if place <= len(distances) else float("inf")


def energy_test(one: Rows, other: Rows, *, seed: int = 0) -> float:
    """Give the p-value of two samples being drawn alike.

    The energy distance (Szekely & Rizzo 2013, "Energy statistics") against what it is when the
    samples are dealt anew 999 times.

    Args:
        one, other: [n, columns] and [m, columns], two rows or more each.
        seed: of the permutations.

    Returns:
        From 0.001 to 1.
    """
    from sklearn.metrics import pairwise_distances

    distances = pairwise_distances(np.vstack([one, other]))
    random = np.random.default_rng(seed)
    first = np.zeros(len(distances))
    first[: len(one)] = 1.0
    observed = _energy(distances, first)
    dealt = sum(
        _energy(distances, random.permutation(first)) >= observed for _ in range(PERMUTATIONS)
    )
    return (1 + dealt) / (1 + PERMUTATIONS)


def _energy(distances: NDArray[np.float64], first: NDArray[np.float64]) -> float:
    """Twice the mean distance between the two, less the mean distances within each."""
    second = 1.0 - first
    to_first = distances @ first
    n, m = first.sum(), second.sum()
    within, between = first @ to_first, second @ to_first
    others = distances.sum() - within - 2 * between
    return float(2 * between / (n * m) - within / n**2 - others / m**2)
