"""Plan the race of backbones: which candidates, and how many images each rung has."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from models.pretrained.backbones import BACKBONES
from search.algorithms.plan import Rung
from search.algorithms.racing.probed import BACKBONE
from search.algorithms.racing.race import FINALISTS, Race, half
from search.run_folder.config import RunConfig
from search.run_folder.records import Values

FEWEST = 200  # images of the first rung at least; scores of fewer are mostly luck
PER_CLASS = 20
FIRST_AT_MOST = 4  # one of so many images, whatever their classes need
MOST = 500  # and at most, however many there are: something shall be scored within seconds
SHARE = 10  # the first rung has one of so many


def partial_rungs(images: int, num_classes: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Images to train on in each rung but the last, which has all.

    Args:
        images: to train on, in all.
        num_classes: where there are many, a rung needs more images.
        sizes: of `rung_sizes`.
    """
    # Of very many classes not even a few of each, or the first rung would have all images.
    of_each = min(PER_CLASS * num_classes, images // FIRST_AT_MOST)
    count = max(FEWEST, of_each, min(images // SHARE, MOST))
    rungs: list[int] = []
    for _ in sizes[:-1]:
        if 2 * count > images:
            break
        rungs.append(count)
        count *= 2
    return tuple(rungs)


def rung_sizes(pairs: Iterable[tuple[str, int]]) -> list[int]:
    """How many candidates each rung has, where there are images enough for all rungs.

    Args:
        pairs: a backbone and an image size each.
    """
    of_each = sorted(Counter(backbone for backbone, _ in pairs).values(), reverse=True)
    sizes, left = [], sum(of_each)
    if FINALISTS < len(of_each) < left:
        sizes, left = [len(of_each)], sum(of_each[: half(len(of_each))])
    while left > FINALISTS:
        sizes, left = [*sizes, left], half(left)
    return [*sizes, left]


def likely_first(probes: Iterable[Values]) -> tuple[Values, ...]:
    """Put the half of these, values of one probe per backbone, first that is better on ImageNet.

    Each half keeps its order. Where time is short, the second is left out.
    """
    known = list(probes)
    best = sorted(known, key=lambda values: -BACKBONES[str(values[BACKBONE])].imagenet)
    likely = best[: half(len(known))]
    return tuple(sorted(known, key=lambda values: values not in likely))


def race_of(config: RunConfig) -> Race | None:
    """The race of a run; None where it has none."""
    if "probe" not in config.families or config.begin_with:
        return None
    pairs = sorted(
        config.raced,
        key=lambda pair: BACKBONES[pair[0]].values * pair[1] ** 2,
    )
    candidates: tuple[Values, ...] = tuple(
        {"family": "probe", BACKBONE: backbone, "probe/image_size": side}
        for backbone, side in pairs
    )
    images = (*config.race_images, None)
    sizes = rung_sizes(pairs) if images[1:] else [len(pairs)]
    # A run that was begun otherwise may have more rungs.
    sizes = [*sizes, *[sizes[-1]] * len(images)][: len(images)]
    cheapest: dict[Any, Values] = {}
    for values in candidates:
        cheapest.setdefault(values[BACKBONE], values)
    opening = likely_first(cheapest.values()) if sizes[0] < len(candidates) else candidates
    again = (0, *(min(size, half(before)) for before, size in pairwise(sizes)))
    rungs = [
        Rung(0, size, 0, 1, images=count, again=known)
        for size, count, known in zip(sizes, images, again, strict=True)
    ]
    return Race(candidates, opening, tuple(rungs), joins="joined" in config.families)
