"""Measure what a configuration costs to run on this machine, before it is trained for export.

Speed and size do not depend on what the weights are: a model of the same shape is written with
new ones, loaded by the runtime of its format and timed, as the exported files are.
"""

import tempfile
from collections.abc import Hashable
from pathlib import Path

from models.describe import describe
from models.errors import ModelError
from models.space import architecture
from search.errors import TuneError
from search.formats.kept_costs import KeptCosts
from search.formats.measuring import measure_file
from search.formats.registry import flagged
from search.formats.untrained import untrained
from search.formats.write import source_of, write_format
from search.process.machine.memory import released_graphs
from search.process.machine.others_load import busy_in_words
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.budget import Budget, Cost
from search.run_folder.records import TrialRecord, Values
from search.trial.experiment import Experiment


class Costs:
    """Measure architectures, each once; in a run with limits, once for all commands.

    Args:
        experiment: the run.
        formats: keys of `search.formats.registry.FORMATS`: what will be written.
        stop: asked whether to stop.
        progress: told what is measured.
    """

    def __init__(
        self,
        experiment: Experiment,
        formats: tuple[str, ...],
        *,
        stop: StopSignal,
        progress: ProgressSink,
    ):
        self.experiment, self.formats = experiment, formats
        self.stop, self.progress = stop, progress
        self.known: dict[Hashable, Cost | None] = {}
        limited = experiment.config.budget.limited
        self.kept = KeptCosts(experiment.run, formats) if limited else None

    def of(self, values: Values) -> Cost | None:
        """Measure the cost of a configuration; None, and a line, if a format cannot be written.

        Raises:
            KeyboardInterrupt: told to stop.
        """
        key = architecture(values)
        if key not in self.known and self.kept and (kept := self.kept.get(values)):
            self.known[key] = kept
        if key not in self.known:
            self.stop.raise_if_requested()
            try:
                cost, busy = self._measure(values)
                self.known[key] = cost
                words = cost.in_words() + (f" ({busy})" if busy else "")
                if self.kept:
                    self.kept.add(values, cost)
            # A model that cannot be built, or a format that cannot be written, rules out this
            # configuration, not the whole search or export.
            except (TuneError, ModelError) as error:
                self.known[key], words = None, str(error)
            self.progress.message(f"measured: {describe(values)}: {words}")
        return self.known[key]

    def measured(self, values: Values) -> Cost | None:
        """Return the cost of a configuration that was asked for before; None of any other."""
        return self.known.get(architecture(values))

    def _measure(self, values: Values) -> tuple[Cost, str]:
        """What a configuration costs, and whether the machine was busy meanwhile, in words."""
        experiment = self.experiment.seen_by(values)
        # Few: int8 ranges of new weights need not be good, and each image costs time. One is
        # answered: what new weights answer is of no use, only how long it takes.
        images = experiment.representative()[:8]
        with released_graphs(), tempfile.TemporaryDirectory(prefix="tune-") as folder:
            source = source_of(experiment, untrained(experiment, values), images)
            files = [
                measure_file(name, write_format(source, name, Path(folder)), images[:1])
                for name in self.formats
            ]
        # The budget holds for each of the files, so that the worst counts.
        cost = Cost(max(file.latency.median for file in files), max(file.size for file in files))
        loads = [file.latency.others for file in files if file.latency.others is not None]
        return cost, busy_in_words(max(loads, default=None))

    def none_fits(self, budget: Budget) -> TuneError:
        """Make the error for when every configuration breaks the budget."""
        costs = [cost for cost in self.known.values() if cost is not None]
        if not costs:
            return TuneError(f"no finished configuration can be written as {self.formats}")
        fastest = min(costs, key=lambda cost: cost.latency).in_words()
        smallest = min(costs, key=lambda cost: cost.size).in_words()
        return TuneError(
            f"no finished configuration keeps to {budget.in_words()} as {', '.join(self.formats)}: "
            f"the fastest has {fastest}, the smallest {smallest}; allow more, or ask for another "
            f"--format or {' or '.join(row.option for row in flagged())}"
        )


def within(costs: Costs, budget: Budget, record: TrialRecord) -> bool:
    """Say whether a configuration keeps to the budget; nothing is measured without one."""
    if not budget.limited:
        return True
    cost = costs.of(record.values)
    return cost is not None and budget.allows(cost)
