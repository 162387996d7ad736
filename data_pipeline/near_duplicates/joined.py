"""Join what links lead between."""

import numpy as np


def joined(start: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Join groups that links lead between.

    Args:
        start: int64 [size], the smallest index in each index's group.
        links: int64 [links, 2], pairs of indices.

    Returns:
        int64 [size], as `start`.
    """
    ids = start.copy()
    while True:
        low, high = np.sort(ids[links], axis=1).T
        apart = low != high
        if not apart.any():
            return ids
        # Each group is hooked to the smallest one that it is linked with; then all indices are led
        # to the end of their chain of groups.
        np.minimum.at(ids, high[apart], low[apart])
        while not np.array_equal(ids, further := ids[ids]):
            ids = further
