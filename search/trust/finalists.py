"""The best few configurations, trained again over seeds before one of them is believed.

The winner of a search is the best of many noisy scores, so part of its lead is luck. The best few
and the best known-good configuration of each family are trained again on the same pictures with
other seeds; `search.trust.ties` then says which are the same within noise. Trainings go round by
round, and what is clearly behind drops out of the next round. Each result is kept in the run
folder: an interrupted export goes on where it was, a second one trains nothing again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from models.describe import describe
from search.config import RunConfig
from search.experiment import Experiment
from search.failure import values_used
from search.interrupt import Going
from search.kept import Kept
from search.memory import forgotten
from search.plan import known_good_count
from search.progress import in_words
from search.records import TrialRecord, best_first
from search.retrain import DivergedError, require_going, train
from search.store import write_array
from search.training import configuration_seed
from search.trust.ties import Standing, shares, standings
from search.watch import Update, watch_share

Fits = Callable[[TrialRecord], bool]


@dataclass
class Finalist:
    """A configuration that may be exported.

    Attributes:
        record: its best rung.
        known_good: whether the search began with it.
        predictions: for each further training float32 [validation pictures, classes].
        standing: against the others; set once all are trained.
    """

    record: TrialRecord
    known_good: bool
    predictions: list[NDArray[np.float32]] = field(default_factory=list)
    standing: Standing | None = None

    @property
    def epochs(self) -> int:
        """Epochs at which the search found its best."""
        return (self.record.best_epoch or 0) + 1

    @property
    def seconds(self) -> float:
        """What a training of it takes, by what its trials took."""
        trained = max(len(self.record.history), 1)
        return self.epochs * max(self.record.seconds, 0.1) / trained


def is_known_good(record: TrialRecord, config: RunConfig) -> bool:
    """Whether the search began with this configuration rather than find it."""
    return int(record.configuration) < known_good_count(config)


def candidates(
    records: list[TrialRecord], config: RunConfig, *, top: int, fits: Fits
) -> list[Finalist]:
    """The `top` best that fit, and the best known-good one of each family that does.

    Args:
        records: of the run.
        config: of the run.
        top: how many, at least 1.
        fits: whether a configuration may be exported at all; asked of as few as possible.
    """
    ranked = [r for r in best_first(records, config.direction) if r.score is not None]
    chosen: list[TrialRecord] = []
    families: set[object] = set()
    for record in ranked:
        first = is_known_good(record, config) and record.values["family"] not in families
        if (len(chosen) < top or first) and fits(record):
            chosen.append(record)
            if is_known_good(record, config):
                families.add(record.values["family"])
    return [Finalist(record, is_known_good(record, config)) for record in chosen]


def train_again(
    experiment: Experiment,
    finalists: Sequence[Finalist],
    *,
    seeds: int,
    going: Going,
    console: Console,
) -> list[Finalist]:
    """Train each anew, `seeds` times, and compare; what is clearly behind is trained less often.

    Returns:
        Those that could be trained, with their predictions and standing.

    Raises:
        KeyboardInterrupt: told to stop; what is done is kept.
    """
    alive = list(finalists)
    expected = in_words(seeds * sum(finalist.seconds for finalist in alive))
    console.print(
        f"training the best {len(alive)} again with {seeds} other seeds each: at most {expected}",
        soft_wrap=True,
    )
    kept, broken = Kept(), []
    with watch_share(console, "training the best again") as progress:
        done = 0.0
        for number in range(1, seeds + 1):
            total = done + sum(f.seconds for f in alive) * (seeds - number + 1)
            for finalist in alive:
                one = _Part(progress, done, finalist.seconds, total, going)
                try:
                    finalist.predictions.append(_repeat(experiment, finalist, number, kept, one))
                except DivergedError:
                    broken.append(finalist)
                    console.print(f"diverged this time: {describe(finalist.record.values)}")
                done += finalist.seconds
            whole = [f for f in finalists if f not in broken]
            compare(experiment, whole)
            # One training each says nothing of how much trainings differ.
            alive = [f for f in whole if number == 1 or not f.standing.out]  # type: ignore[union-attr]
    return whole


def compare(experiment: Experiment, finalists: Sequence[Finalist]) -> None:
    """Set the standing of each by its predictions."""
    if not finalists:
        return
    targets = experiment.targets[experiment.validation]
    objective = experiment.config.objective
    scores = [np.array([shares(p, targets, objective) for p in f.predictions]) for f in finalists]
    for finalist, standing in zip(finalists, standings(scores), strict=True):
        finalist.standing = standing


def _repeat(
    experiment: Experiment, finalist: Finalist, number: int, kept: Kept, part: "_Part"
) -> NDArray[np.float32]:
    """Predictions on validation after one more training; read where they are there already."""
    record = finalist.record
    path = experiment.run.repeat(record.configuration, finalist.epochs, number)
    if path.exists():
        return np.load(path, allow_pickle=False)
    seed = configuration_seed(experiment.config.seed, record.configuration, number)
    with forgotten():
        training = kept.training(experiment, values_used(record), seed, part.tell)
        model = kept.model(training)
        train(training, model, epochs=finalist.epochs, advance=part.advance, going=part.going)
        predictions = training.validate(model)
    if not np.isfinite(predictions).all():
        raise DivergedError
    write_array(path, predictions)
    return predictions


@dataclass(frozen=True)
class _Part:
    """One training as a part of all: what it takes in seconds, and what was done before."""

    progress: Update
    before: float
    seconds: float
    total: float
    going: Going

    def tell(self, done: int, todo: int) -> None:
        """What a `FeatureBank` tells."""
        require_going(self.going)
        self.progress(self.before, self.total, f"computing features, {done / todo:.0%}")

    def advance(self, share: float) -> None:
        """What `train` tells."""
        done = self.before + share * self.seconds
        self.progress(done, self.total, "training the best again")


def ensemble(
    experiment: Experiment, finalists: Sequence[Finalist], *, top: int
) -> dict[str, Any] | None:
    """What the mean of the best few's probabilities would reach on validation.

    Of the members trained equally often the k-th trainings are averaged, for each k.

    Returns:
        "members" (configurations), "value" (of the objective), "of_best" (its best member's);
        None where there are not two.
    """
    most = max((len(f.predictions) for f in finalists), default=0)
    full = [f for f in finalists if most and len(f.predictions) == most][:top]
    if len(full) < 2:
        return None
    targets = experiment.targets[experiment.validation]
    objective = experiment.config.objective

    def value(predictions: NDArray[Any]) -> float:
        found = float(np.mean([shares(p, targets, objective).mean() for p in predictions]))
        return -found if objective == "val_loss" else found

    together = np.array([f.predictions for f in full])  # [members, seeds, n, classes]
    best = min if objective == "val_loss" else max
    return {
        "members": [f.record.configuration for f in full],
        "value": value(together.mean(axis=0)),
        "of_best": best(value(member) for member in together),
    }
