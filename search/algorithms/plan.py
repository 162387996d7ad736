"""Count the trials and epochs of a search before it starts; needs no TensorFlow."""

import math
from dataclasses import dataclass

from search.run_folder.config import RunConfig, baseline_count

GOING_ON = 1.2
"""Times one in `factor` that goes on in ASHA: who was ahead of the few there were, too. Simulated
with random scores 1.1 to 1.2, at 15 to 120 configurations and factors of 2 to 4."""


@dataclass(frozen=True)
class Rung:
    """`size` trials, trained from epoch `initial_epoch` up to `epochs`.

    In the race of backbones on `images` of the images, None for all; `again` of them are
    configurations of the rung before.
    """

    bracket: int
    size: int
    initial_epoch: int
    epochs: int
    images: int | None = None
    again: int = 0


@dataclass(frozen=True)
class Plan:
    """The rungs of a whole search, in the order in which they are begun.

    Attributes:
        rungs: of the search.
        exact: whether their sizes are known before, and not expected.
    """

    rungs: tuple[Rung, ...]
    exact: bool = True

    @property
    def configurations(self) -> int:
        """Different sets of values that are tried."""
        return sum(rung.size - rung.again for rung in self.rungs if rung.initial_epoch == 0)

    @property
    def trials(self) -> int:
        """Configurations, each counted once per rung."""
        return sum(rung.size for rung in self.rungs)

    @property
    def checkpoints(self) -> int:
        """Training states that are kept at once, at most: a whole rung, and the one that runs."""
        return max(rung.size for rung in self.rungs) + 1

    @property
    def epochs(self) -> int:
        """Passes over the training images, all trials together."""
        return sum(rung.size * (rung.epochs - rung.initial_epoch) for rung in self.rungs)


def one_rung(config: RunConfig) -> Plan:
    """The plan where each configuration is trained once, for the full budget."""
    return Plan((Rung(0, config.trials, 0, config.max_epochs),))


def asha_plan(config: RunConfig) -> Plan:
    """The plan of ASHA: the baselines at once in full, and about how many of the others go on."""
    budgets, factor = halving_epochs(config.max_epochs, config.factor), config.factor
    baselines = min(baseline_count(config), config.trials)
    rungs, size = [Rung(0, baselines, 0, config.max_epochs)], config.trials - baselines
    for number, epochs in enumerate(budgets):
        rungs.append(Rung(1, size, budgets[number - 1] if number else 0, epochs))
        size = round(size * GOING_ON / factor)
    return Plan(tuple(rung for rung in rungs if rung.size), exact=False)


def halving_epochs(max_epochs: int, factor: int) -> list[int]:
    """The epochs of each rung where halving begins as low as it can, the last being the budget."""
    count = 1
    while max_epochs / factor**count >= 1:
        count += 1
    return [math.ceil(max_epochs / factor ** (count - 1 - number)) for number in range(count)]


def hyperband_plan(config: RunConfig) -> Plan:
    """The plan of Hyperband, of one round where their number is left open."""
    budget = config.max_epochs, config.factor
    first = hyperband_rungs(*budget, baselines=baseline_count(config))
    later = hyperband_rungs(*budget, baselines=0) * (config.rounds - 1)
    return Plan((*first, *later))


def hyperband_rungs(max_epochs: int, factor: int, baselines: int) -> list[Rung]:
    """Rungs of one round of all brackets, in the order in which they are begun.

    KerasTuner's rounding up at each step makes budgets jump: at factor 3, max_epochs 9 is 75
    epochs and 10 is 120.

    Args:
        max_epochs: the full budget.
        factor: how many times fewer go on from rung to rung.
        baselines: configurations that shall have the full budget at once: the first bracket has
            a place for each, and its own besides where it is the only one.
    """
    brackets = len(halving_epochs(max_epochs, factor))
    end_size = math.ceil(1 + math.log(max_epochs, factor))
    return [
        Rung(
            bracket=bracket,
            size=_size(
                math.ceil(end_size / (bracket + 1) * factor ** (bracket - number)),
                baselines if bracket == 0 else 0,
                alone=brackets == 1,
            ),
            initial_epoch=math.ceil(max_epochs / factor ** (bracket - number + 1)) if number else 0,
            epochs=math.ceil(max_epochs / factor ** (bracket - number)),
        )
        for bracket in (0, *range(brackets - 1, 0, -1))
        for number in range(bracket + 1)
    ]


def _size(size: int, baselines: int, *, alone: bool) -> int:
    """Places of a rung in which so many baselines shall have one."""
    return size + baselines if alone else max(size, baselines)
