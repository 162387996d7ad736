"""What `tune show` and `tune list` tell of a run, as values; `--json` has the same order."""

from dataclasses import dataclass
from typing import Any

from search.insights.findings import Insights
from search.overview.race import Raced
from search.run_folder.data_summary import DataSummary
from search.run_folder.records import Values
from search.run_folder.schema import named, omitted
from search.run_folder.time_spent import ExportTime, Spent


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What the exported model reached: part of `metrics.json`, as any version writes it.

    Attributes:
        summary, verdict, val_accuracy, trials, time: as `Metrics` of
            `search.run_folder.exported` has them; None where an older version did not write them.
        accuracy, accuracy_interval: on the test images.
        images: how many of these there are.
        test_set_opened: how often they were looked at.
    """

    summary: str | None = omitted()
    verdict: str | None = omitted()
    val_accuracy: float | None = omitted()
    accuracy: float
    accuracy_interval: tuple[float, float]
    # Keys that programs read, and that files of all versions have.
    images: int = named("pictures")
    test_set_opened: int = named("lock_box_opened")
    trials: int | None = omitted()
    time: ExportTime | None = omitted()


@dataclass(frozen=True)
class ConfigurationRow:
    """One configuration: its best rung's result, and what all its rungs took.

    Attributes:
        configuration: its id.
        summary: its values in short.
        score: best value of the objective; None without one.
        val_accuracy: at the best epoch.
        best_epoch: counted from 1.
        epochs, seconds: of all its rungs.
        parameters: number of weights.
        status, reason, stopped_early: of its last rung, as `TrialRecord` has them.
        values: its hyperparameters.
        images: a part of the images that its score rests on; None for all.
    """

    configuration: str
    summary: str
    score: float | None
    val_accuracy: float | None
    best_epoch: int | None
    epochs: int
    seconds: float
    parameters: int | None
    status: str
    reason: str
    stopped_early: str
    values: Values
    images: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """Everything that `tune show` prints.

    Attributes:
        run: its name.
        algo, objective, image_size: as it was asked for.
        data: what it was given.
        trials, finished: how many were begun and have ended.
        seconds: in which any of them ran.
        verdict: whether the search beat what it began with; "" where that is not known.
        insights: what the search has taught.
        finalists: rows of `finalists.json` as they are, whichever version wrote them.
        exported: what the exported model reached; None where there is none.
        configurations: best first.
        race: of backbones, the winner first; empty where there was none.
        spent: where the time of the search went.
        doubts: sentences about what the exported model, else the best configuration, is of no use
            for.
    """

    run: str
    algo: str
    objective: str
    data: DataSummary
    image_size: tuple[int, int]
    trials: int
    finished: int
    seconds: float
    verdict: str
    insights: Insights = named("learnt")
    finalists: list[Any]
    exported: Exported | None
    configurations: tuple[ConfigurationRow, ...]
    race: tuple[Raced, ...] = ()
    spent: tuple[Spent, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRow:
    """A run in the list of all runs.

    Attributes:
        run: its name.
        algo: the algorithm, or the preset.
        data: folder of the images.
        finished: number of trials.
        objective: its name.
        best: best score; None without one.
        exported: whether there is an exported model.
        begun: local date and time, "2026-11-26 19:40"; "" where that is not known.
        state: "running", "stopped" where trials may go on, else "ended".
        bytes: on the disk.
        problem: why nothing more is known of it; None where it can be read.
    """

    run: str
    algo: str = ""
    data: str = ""
    finished: int = 0
    objective: str = ""
    best: float | None = None
    exported: bool = False
    begun: str = ""
    state: str = ""
    bytes: int = 0
    problem: str | None = omitted()
