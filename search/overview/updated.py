"""What an update has brought: the new model beside the old one, on old and new test images."""

from dataclasses import dataclass
from pathlib import Path

from search.errors import TuneError
from search.inference.classifier import InputFile, load_classifier
from search.overview.difference import ACCURACY, Difference, difference_of
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.data import load_predictions, load_splits, load_targets
from search.run_folder.data_summary import DataSummary
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder
from search.tuning.data_change import DataChange, load_change

NEW, OLD = "the new model", "the old model"

_Answered = tuple[str, tuple[bool, bool]]  # the label of an image, and which of both have it right


@dataclass(frozen=True)
class Updated:
    """What an update has brought.

    Attributes:
        run, before: names of the run, and of the one that it updates.
        change: of the images.
        on_old, on_new, on_both: how the models differ on test images that were there, on those
            that came, and on all; None where there are none. Neither was trained on any of them.
        unreadable: test images that the old model could not be asked about.
    """

    run: str
    before: str
    change: DataChange
    on_old: Difference | None
    on_new: Difference | None
    on_both: Difference | None
    unreadable: int = 0

    @property
    def verdict(self) -> str:
        """Say whether the update was worth it."""
        if self.on_both is None:
            return "There is no image to test on."
        low, high = self.on_both.interval
        if low > 0:
            return "The new model is better."
        if high < 0:
            return "The new model is worse: keep the old one."
        return "The old model would do: the difference may be chance."

    def in_words(self) -> list[str]:
        """Say it in sentences."""
        rows = (("old ", self.on_old), ("new ", self.on_new), ("", self.on_both))
        said = [
            f"on {'the' if which else 'all'} {row.images:,} {which}test images: {_metric(row)}"
            f"new model {row.accuracies[0]:.4f}, old model {row.accuracies[1]:.4f}, difference "
            f"{row.difference:+.4f} (95 % interval {row.interval[0]:+.4f} to "
            f"{row.interval[1]:+.4f})"
            for which, row in rows
            if row is not None
        ]
        if self.unreadable:
            said.append(f"{self.unreadable:,} test images could not be read again")
        return [*said, self.verdict]


def what_it_brought(run: RunFolder) -> Updated:
    """Compare the exported models of a run and of the one that it updates.

    Raises:
        TuneError: one has no exported model, or a file is missing or broken.
    """
    change = load_change(run)
    before = RunFolder(Path(change.before))
    rows = load_splits(run).test.tolist()
    images, targets = Images.load(run), load_targets(run)
    names = DataSummary.load(run).class_names
    predictions = load_predictions(run.test_predictions)
    if len(predictions) != len(rows):
        raise TuneError(
            f"{run.test_predictions}: holds {len(predictions)} answers for {len(rows)} test "
            "images; export again"
        )
    now = predictions.argmax(axis=1) == targets[rows]
    then = _answers(before, [images.file(row).path for row in rows])
    hashes = Images.load(before).pixel_hashes
    tested = {hashes[row] for row in load_splits(before).test}
    old: list[_Answered] = []
    new: list[_Answered] = []
    for row, right, answer in zip(rows, now, then, strict=True):
        if answer is not None:
            label = names[targets[row]]
            pair = bool(right), answer == label
            (old if images.pixel_hashes[row] in tested else new).append((label, pair))
    balanced = objective_of(RunConfig.load(run)).counts_classes
    return Updated(
        run=run.name,
        before=before.name,
        change=change,
        on_old=_difference(old, balanced=balanced),
        on_new=_difference(new, balanced=balanced),
        on_both=_difference(old + new, balanced=balanced),
        unreadable=sum(answer is None for answer in then),
    )


def _difference(answered: list[_Answered], *, balanced: bool) -> Difference | None:
    if not answered:
        return None
    labels = [label for label, _ in answered] if balanced else None
    return difference_of(NEW, OLD, [pair for _, pair in answered], same=True, labels=labels)


def _metric(row: Difference) -> str:
    """Name what is compared where it is not accuracy."""
    return "" if row.metric == ACCURACY else f"{row.metric}, "


def _answers(run: RunFolder, files: list[Path]) -> list[str | None]:
    """The class that a run's exported model gives each file; None where it cannot be read."""
    classifier = load_classifier(str(run.export))
    answers = classifier.predict([InputFile(file) for file in files])
    return [next(iter(each.probabilities), None) for each in answers]
