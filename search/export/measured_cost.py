"""What the files of the winner cost, once they are written."""

from dataclasses import replace

from search.formats.parity import Parity
from search.process.progress import ProgressSink
from search.run_folder.budget import Budget, Cost
from search.selection.choice import Choice


def with_measured(choice: Choice, parities: list[Parity]) -> Choice:
    """The choice with what the winner's files cost, in place of files of its shape before."""
    name = choice.winner.record.configuration
    if name not in choice.costs:
        return choice
    measured = [parity.measured for parity in parities]
    cost = Cost(max(m.latency.median for m in measured), max(m.size for m in measured))
    return replace(choice, costs={**choice.costs, name: cost})


def warn_of_cost(budget: Budget, parities: list[Parity], progress: ProgressSink) -> None:
    """Warn of files that, measured again, cost more than was asked for."""
    for parity in parities:
        cost = Cost(parity.measured.latency.median, parity.measured.size)
        if not budget.allows(cost):
            progress.warning(
                f"{parity.format.file} takes {cost.in_words()} this time, more than the "
                f"{budget.in_words()} asked for: times differ from one measurement to the next"
            )
