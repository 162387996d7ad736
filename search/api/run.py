"""A run, for Python programs and notebooks: its table, what it has taught, its export."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from search.api.exported import Exported
from search.api.options import at_least, names_of_formats
from search.errors import TuneError
from search.evaluation.objective import AS_GOOD_WITHIN
from search.overview.run_rows import ConfigurationRow, RunReport
from search.process.progress import ProgressSink, Silent
from search.run_folder.budget import Budget
from search.run_folder.exported.finalist_rows import SEEDS, TOP
from search.run_folder.paths import DEFAULT_RESULTS, RunFolder

if TYPE_CHECKING:
    from search.overview.comparison import Comparison
    from search.overview.updated import Updated
    from search.run_folder.config import RunConfig


def load(run: str | Path | None = None, *, results: str | Path = DEFAULT_RESULTS) -> "Run":
    """Find a run by its name, its folder or its export.

    Args:
        run: by default the newest.
        results: folder of all runs.

    Raises:
        TuneError: there is no such run; the message lists those there are.
    """
    from search.runs.find import find_run

    return Run(find_run(Path(results), None if run is None else str(run)).path)


def compare(*runs: "Run") -> "Comparison":
    """Compare runs side by side, as `tune compare` does.

    Args:
        runs: two or more.

    Raises:
        TuneError: fewer are given, or one twice.
    """
    from search.overview.comparison import compare as side_by_side

    return side_by_side([run.folder for run in runs])


@dataclass(frozen=True)
class Run:
    """A search that was begun. In a notebook it shows its table and its curves.

    Attributes:
        path: its folder.
        folder: paths of what is in it.
    """

    path: Path
    folder: RunFolder = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the folder's files."""
        object.__setattr__(self, "folder", RunFolder(self.path))

    @property
    def name(self) -> str:
        """Its name, which is that of its folder."""
        return self.folder.name

    @property
    def config(self) -> "RunConfig":
        """What decides its result.

        Raises:
            TuneError: `config.json` is missing or broken.
        """
        from search.run_folder.config import RunConfig

        return RunConfig.load(self.folder)

    def summary(self) -> RunReport:
        """Everything that `tune show` prints.

        Raises:
            TuneError: a file of the run is missing or broken.
        """
        from search.overview.summary import run_report

        return run_report(self.folder)

    def table(self) -> tuple[ConfigurationRow, ...]:
        """The configurations, best first."""
        return self.summary().configurations

    def best(self) -> ConfigurationRow:
        """The best configuration by the search.

        Raises:
            TuneError: no trial has finished with a score.
        """
        rows = [row for row in self.table() if row.score is not None]
        if not rows:
            raise TuneError(f"{self.name}: no trial has finished with a score; search further")
        return rows[0]

    def insights(self) -> tuple[str, ...]:
        """What the search has taught, in sentences."""
        return tuple(self.summary().insights.words)

    def report(
        self,
        output: str | Path | None = None,
        *,
        pictures: bool = True,
        measure: float = 60.0,
        beside: "Sequence[Run]" = (),
        progress: ProgressSink | None = None,
    ) -> Path:
        """Write what it has found as one HTML file, as `tune report` does.

        Args:
            output: the file; by default `report.html` in its folder.
            pictures: whether images of the data are shown in it.
            measure: seconds for measuring latencies that are not known yet.
            beside: runs that it is compared with; without any the one that it updates.
            progress: told what is done; by default nothing is shown.

        Returns:
            The file.
        """
        from search.process.stop_signal import StopSignal
        from search.report.write import Wanted, write_report

        others = tuple(each.folder for each in beside)
        wanted = Wanted(None if output is None else Path(output), pictures, measure, others)
        with StopSignal() as stop:
            return write_report(self.folder, wanted, stop=stop, progress=progress or Silent())

    def export(
        self,
        *,
        formats: str | Sequence[str] = (),
        max_latency: float | None = None,
        max_size: int | None = None,
        precision: float | None = None,
        top: int = TOP,
        seeds: int = SEEDS,
        cheaper_within: float = AS_GOOD_WITHIN,
        max_time: float | None = None,
        progress: ProgressSink | None = None,
    ) -> Exported:
        """Choose the best configuration, retrain, test and export it, as `tune export-best` does.

        Args:
            formats: names of forms to write besides the .keras file; none for those of the run.
            max_latency, max_size: seconds per image and bytes that each may take.
            precision: share of right answers among those given, for which a threshold is set;
                None for a model that always answers.
            top: how many of the best are trained again before one is chosen.
            seeds: how often each; 0 trusts the scores of the search.
            cheaper_within: how much worse one may be that is cheaper to run, 0 to 1.
            max_time: seconds after which it shall have ended: the best are trained again as often
                as there is time, at most `seeds` times.
            progress: told what is done; by default nothing is shown.

        Raises:
            TuneError: no trial has finished, none keeps to the limits, or a file does not compute
                what the model does.
            KeyboardInterrupt: interrupted; what was trained again is kept.
        """
        from search.process.quiet import import_tensorflow

        deadline = None if max_time is None else time.monotonic() + max_time
        at_least(1)("top", top)
        at_least(0)("seeds", seeds)
        _require_shares(precision=precision, cheaper_within=cheaper_within)
        import_tensorflow()
        from search.export.export_best import ExportOptions, export_best
        from search.process.stop_signal import StopSignal

        seeds, until = self._choosing_within(deadline, top, seeds)
        options = ExportOptions(
            formats=names_of_formats("formats", formats) if formats else (),
            budget=Budget(max_latency, max_size),
            precision=precision,
            top=top,
            seeds=seeds,
            cheaper_within=cheaper_within,
            choose_until=until,
        )
        with StopSignal() as stop:
            export_best(self.folder, options, stop=stop, progress=progress or Silent())
        return Exported(self.folder.export)

    def _choosing_within(self, deadline: float | None, top: int, seeds: int) -> tuple[int, float]:
        """How often the best are trained again, and until when of `time.monotonic`."""
        if deadline is None:
            return seeds, math.inf
        from search.selection.choosing_estimate import choosing_within
        from search.trial.experiment import Experiment

        return choosing_within(deadline, Experiment.load(self.folder), top=top, most=seeds)

    @property
    def exported(self) -> Exported | None:
        """Its exported model; None where there is none yet."""
        made = (self.folder.export / "model.keras").exists()
        return Exported(self.folder.export) if made else None

    def brought(self) -> "Updated":
        """What an update has brought: the exported models of both, on old and new test images.

        Raises:
            TuneError: it updates no run, or one of both has no exported model.
        """
        from search.overview.updated import what_it_brought

        return what_it_brought(self.folder)

    def _repr_html_(self) -> str:
        """What a notebook shows: the best configurations, and the best score by trial."""
        from search.api.notebook import as_html

        return as_html(self.summary())


def _require_shares(**given: float | None) -> None:
    for name, share in given.items():
        if share is not None and not 0 <= share < 1:
            raise TuneError(f"{name}: received {share:g}, expected a share from 0 to below 1")
