"""Tell whether two accuracies, each of so many images, differ by more than chance."""

import math

STANDARD_ERRORS = 2.0  # by which two accuracies must differ before one is called the better


def cannot_tell(first: float, second: float, images: int) -> bool:
    """Say whether two accuracies differ by less than two standard errors of their difference.

    The error is that of two shares of as many images, drawn apart, were both as likely to be
    right. Both models saw the same images, which makes the true error smaller; that each is the
    best of several makes it larger (`benchmarks/insights.py families` measures both together).
    """
    share = (first + second) / 2
    error = math.sqrt(max(0.0, 2 * share * (1 - share) / images))
    # Where both are perfect the error is 0, and no difference would be below it.
    return first == second or abs(first - second) < STANDARD_ERRORS * error
