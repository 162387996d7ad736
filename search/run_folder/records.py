"""The record of a trial: all that is known of it, in plain JSON.

A finished record is the point of no return: it is written before the oracle hears of the
result, so that a search that dies in between finds the result on disk and does not train again.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from models.describe import describe
from search.evaluation.objective import ACCURACY
from search.process.atomic_files import write_json
from search.run_folder.paths import RunFolder

Values = dict[str, bool | int | float | str]
Logs = dict[str, float]

RUNNING = "running"
STOPPED = "stopped"  # interrupted: will go on where it was
COMPLETED = "completed"
DIVERGED = "diverged"
FAILED = "failed"
CROSS_VALIDATED = "cross_validated"  # in a history: the objective, out of fold
ALL_IMAGES = 2**62  # more than there are
FINISHED = (COMPLETED, DIVERGED, FAILED)

# Why a trial failed, for those who decide whether to try it again.
ERROR = "error"  # an exception: the same values would raise it again
MEMORY = "memory"  # out of memory: half the batch may fit
KILLED = "killed"  # its worker died
HUNG = "hung"  # nothing was heard of it


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """What to train: one configuration on one rung. Plain values, fixed before the trial begins.

    Attributes:
        trial_id: KerasTuner's id, a number with leading zeros.
        configuration: id of the first trial with these values; rungs of one share it.
        values: searched hyperparameters.
        bracket, rung: place in Hyperband (0, 0 for other algorithms).
        initial_epoch, epochs: trains epochs [initial_epoch, epochs), counted from 0.
        parent: trial whose training state this one continues.
        batch_size: images per step where memory allowed fewer than `values` asks for.
        baseline: whether the search was given these values instead of proposing them.
        images: of the images to train on the first so many, and as many to validate on, in the
            order of `search.trial.experiment.Experiment.part`; None for all.
        origin: one of `search.run_folder.origins.ORIGINS`; empty in runs of older versions.
    """

    trial_id: str
    configuration: str
    values: Values
    bracket: int
    rung: int
    initial_epoch: int
    epochs: int
    parent: str | None = None
    batch_size: int | None = None
    baseline: bool = False
    images: int | None = None
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """How often a trial was begun.

    Attributes:
        attempts: starts after which it neither finished nor was stopped cleanly.
        kills: how often its worker died or hung.
        resumed_at: epochs that its checkpoint held when its starts were last counted anew.
    """

    attempts: int = 0
    kills: int = 0
    resumed_at: int = 0


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What came out of a trial. Plain values that cross process borders.

    Attributes:
        status: one of `FINISHED`, RUNNING or STOPPED.
        reason: why it failed; empty if it did not.
        failure: kind of failure: ERROR, MEMORY, KILLED, HUNG, or empty.
        history: metrics of each epoch trained, oldest first; the key "epoch" counts from 0.
        score: best value of the objective; None before the first epoch ends.
        best_epoch: epoch of the best value, counted from 0 over all rungs.
        seconds: wall-clock time spent, in a record over all attempts.
        step_seconds: of these in training and validation steps, without the first of each kind
            where it had to be traced.
        stopped_early: why it was ended before its last epoch; empty if it was not.
        parameters: number of weights of the model.
    """

    status: str = RUNNING
    reason: str = ""
    failure: str = ""
    history: list[Logs] = field(default_factory=list)
    score: float | None = None
    best_epoch: int | None = None
    seconds: float = 0.0
    step_seconds: float = 0.0
    stopped_early: str = ""
    parameters: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrialRecord(TrialResult, Attempts, TrialSpec):
    """All that a run knows of a trial: what to train, how often it was begun, what came out.

    Attributes:
        begun, ended: when it was first started and when it finished, in seconds of Unix time by
            the machine's clock; None before, and where an older version wrote the record.
    """

    begun: float | None = None
    ended: float | None = None

    @property
    def spec(self) -> TrialSpec:
        """What to train."""
        return TrialSpec(**{each.name: getattr(self, each.name) for each in fields(TrialSpec)})

    def with_result(self, result: TrialResult) -> "TrialRecord":
        """The same trial after an attempt; times of earlier attempts are added.

        An attempt that was stopped or failed before an epoch ended leaves what earlier attempts
        had reached: the next one goes on from there.
        """
        changes = {each.name: getattr(result, each.name) for each in fields(TrialResult)}
        if result.status in (STOPPED, FAILED) and not result.history:
            for name in ("history", "score", "best_epoch", "parameters"):
                changes[name] = getattr(self, name)
        changes["seconds"] = round(self.seconds + result.seconds, 3)
        changes["step_seconds"] = round(self.step_seconds + result.step_seconds, 3)
        return replace(self, **changes)

    @property
    def title(self) -> str:
        """What its configuration is called: its number, which no other has, and its values."""
        return f"{self.configuration} {describe(self.values, self.images)}"

    @property
    def epochs_to_best(self) -> int:
        """Epochs after which it was best, over all rungs; 1 before the first has ended."""
        return (self.best_epoch or 0) + 1

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in FINISHED

    @property
    def best_logs(self) -> Logs:
        """Metrics of its best epoch; {} before the first epoch ends."""
        at_best = (logs for logs in self.history if logs["epoch"] == self.best_epoch)
        return next(at_best, {})

    @property
    def accuracy(self) -> float | None:
        """Validation accuracy at its best epoch, 0 to 1; None without one, or if it diverged."""
        return None if self.status == DIVERGED else self.best_logs.get(ACCURACY)

    @property
    def cross_validated(self) -> float | None:
        """The objective on all images but those to test on, each predicted out of fold.

        None where only its score on the images to validate on is known.
        """
        return self.best_logs.get(CROSS_VALIDATED)

    def place(self) -> Values:
        """Its place in the search, under KerasTuner's names."""
        place: Values = {
            "tuner/epochs": self.epochs,
            "tuner/initial_epoch": self.initial_epoch,
            "tuner/bracket": self.bracket,
            "tuner/round": self.rung,
        }
        if self.images is not None:
            place["tuner/images"] = self.images
        if self.origin:
            place["tuner/origin"] = self.origin
        return place if self.parent is None else {**place, "tuner/trial_id": self.parent}

    def save(self, run: RunFolder) -> "TrialRecord":
        """Write it; returns itself for chaining."""
        write_json(run.trials / f"{self.trial_id}.json", asdict(self))
        return self

    def with_outcome(self, **changes: Any) -> "TrialRecord":
        """The same trial with some fields changed."""
        return replace(self, **changes)
