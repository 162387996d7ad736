"""What a search has taught, as values: `learnt.json`, and "learnt" of `tune show --json`."""

from dataclasses import dataclass

from search.insights.space import Value
from search.run_folder.schema import omitted


@dataclass(frozen=True)
class FamilyResult:
    """What a family reached.

    Attributes:
        family: its name.
        configurations: how many of it came to a result.
        drawn: how many of these were drawn at random.
        best: best score of the objective; None where all diverged.
        given: whether all of it were given: built in, raced, or of an earlier run.
    """

    family: str
    configurations: int
    drawn: int
    best: float | None
    given: bool = False


@dataclass(frozen=True)
class GoodValues:
    """Where a hyperparameter was good.

    Attributes:
        low, high: of a number: the middle half of the best third; None for a choice.
        value: of a choice: the best; None for a number.
    """

    low: float | None = omitted()
    high: float | None = omitted()
    value: Value | None = omitted()


@dataclass(frozen=True)
class Importance:
    """How much a hyperparameter has to do with being among the best.

    Attributes:
        family: of which configurations, or "all" for those of all families together.
        name: of the hyperparameter.
        importance: its share, 0 to 1.
        chance: that shuffled scores show as much, 0 to 1.
        matters: whether it is beyond chance.
        good: in which values it was good; None unless it matters.
    """

    family: str
    name: str
    importance: float
    chance: float
    matters: bool
    good: GoodValues | None


@dataclass(frozen=True)
class Edge:
    """The best few of a family share an end of a range.

    Attributes:
        name, family: of which hyperparameter, of which family's configurations.
        upper: which end.
        best: how many of the best, without a gap, lie there.
        chance: that the best of those drawn all do, if the values made no difference: of n, z of
            which lie there, the best k with probability (z over k) / (n over k).
        end: the value at that end.
        nearest, furthest: of the best there, the value closest to the end and furthest from it.
        partial: whether not all of the family's configurations have this hyperparameter.
        widen: (low, high) to search next; None where there is no room or no range to widen.
    """

    name: str
    family: str
    upper: bool
    best: int
    chance: float
    end: float
    nearest: float
    furthest: float
    partial: bool
    widen: tuple[float, float] | None


@dataclass(frozen=True)
class Insights:
    """All that a search has taught.

    Attributes:
        families: the best family first.
        importance: the hyperparameters of each family in turn, the most important first.
        edges: ends of ranges at which the best lie.
        words: all of it in sentences.
        configurations: number of drawn configurations that it rests on.
    """

    families: tuple[FamilyResult, ...] = ()
    importance: tuple[Importance, ...] = ()
    edges: tuple[Edge, ...] = ()
    words: tuple[str, ...] = ()
    configurations: int = 0
