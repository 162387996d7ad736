"""Draw accuracy against size and latency, with the Pareto front."""

from collections.abc import Sequence

from search.report.charts.style import Option, cartesian, dots, line, percent, rounded, value_axis
from search.report.configurations import Tried
from search.report.front import Offer, pareto_front


def accuracy_against_cost(tried: Sequence[Tried], *, cost: str) -> Option:
    """Draw accuracy of configurations against what they cost, with the Pareto front.

    Args:
        tried: configurations.
        cost: "megabytes" or "milliseconds", an attribute of each; those where it is None are
            left out.
    """
    # 0 is left out like None: a logarithmic axis has no place for it.
    known = [each for each in tried if each.accuracy is not None and each.images is None]
    measured = [each for each in known if getattr(each, cost)]
    offers = (
        Offer(getattr(each, cost), each.accuracy or 0.0, k) for k, each in enumerate(measured)
    )
    front = pareto_front(offers)
    families = list(dict.fromkeys(each.family for each in measured))
    title = {"megabytes": "size in MB", "milliseconds": "latency in ms per image"}[cost]
    return cartesian(
        x=value_axis(title) | _decades([getattr(each, cost) for each in measured]),
        series=[
            *(
                dots(
                    family,
                    [
                        {
                            "value": [rounded(getattr(each, cost)), percent(each.accuracy)],
                            "name": each.name,
                        }
                        for each in measured
                        if each.family == family
                    ],
                )
                for family in families
            ),
            line(
                "Pareto front",
                [[rounded(offer.cost), percent(offer.accuracy)] for offer in front],
            ),
        ],
    )


def _decades(values: Sequence[float]) -> Option:
    """Make a logarithmic axis from a round number below all values to one above."""
    ladder = [digit * 10.0**power for power in range(-4, 7) for digit in (1, 2, 5)]
    low = max((step for step in ladder if step < min(values, default=1)), default=ladder[0])
    high = min((step for step in ladder if step > max(values, default=1)), default=ladder[-1])
    return {"type": "log", "min": low, "max": high}
