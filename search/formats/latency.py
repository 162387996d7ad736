"""Time a model on single images: the timing that files and models in memory share."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WARM_UP = 3  # calls: the first ones trace, allocate and fill caches
TIMED_SECONDS = 5.0  # no further call is timed after that


@dataclass(frozen=True)
class Latency:
    """Seconds per image, one image per call.

    Attributes:
        median, p95: over the calls.
        others: share of all cores that other programs used meanwhile, 0 to 1; None if unknown.
    """

    median: float
    p95: float
    others: float | None = None


def latency(
    call: Callable[[Any], Any],
    image: NDArray[np.uint8],
    *,
    repeats: int = 50,
    seconds: float = TIMED_SECONDS,
) -> Latency:
    """Time calls with one image, after some that are not timed.

    Args:
        call: takes a batch of images.
        image: uint8 [height, width, 3].
        repeats: calls to time at most; there is at least one.
        seconds: after so many no further call is begun.
    """
    batch = image[None]
    for _ in range(WARM_UP):
        call(batch)
    taken: list[float] = []
    begun = time.perf_counter()
    while not taken or (len(taken) < repeats and time.perf_counter() - begun < seconds):
        started = time.perf_counter()
        call(batch)
        taken.append(time.perf_counter() - started)
    return Latency(float(np.median(taken)), float(np.percentile(taken, 95)))
