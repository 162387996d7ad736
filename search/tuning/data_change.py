"""How the images of a run differ from those of the run that it updates: `update.json`."""

from dataclasses import dataclass

from search.process.atomic_files import read_object, write_json
from search.process.wording import counted
from search.run_folder.data import load_splits, load_targets
from search.run_folder.data_summary import DataSummary
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder
from search.run_folder.schema import from_json, to_json

NAMED = 5  # paths in a sentence


@dataclass(frozen=True)
class Relabelled:
    """An image that has another label now."""

    path: str
    before: str
    now: str


@dataclass(frozen=True)
class DataChange:
    """What is new, gone or corrected; images are the same where their pixels are.

    Attributes:
        before: folder of the run that is updated.
        kept: images that were there and are.
        new: images that were not there; new_test: of these, those that are for the test.
        gone: paths of images that are not there any more.
        relabelled: of those kept, which have another label.
    """

    before: str
    kept: int
    new: int
    new_test: int
    gone: tuple[str, ...]
    relabelled: tuple[Relabelled, ...]

    def in_words(self) -> list[str]:
        """Say it in sentences."""
        said = [
            f"{counted(self.kept, 'image')} as before, {self.new:,} new ({self.new_test:,} of "
            "them to test on)"
        ]
        if self.gone:
            said.append(f"{counted(len(self.gone), 'image')} gone: {_some(self.gone)}")
        if self.relabelled:
            rows = [f"{row.path} ({row.before} to {row.now})" for row in self.relabelled]
            said.append(f"{counted(len(rows), 'image')} with another label: {_some(rows)}")
        return said


def change_of(run: RunFolder, before: RunFolder) -> DataChange:
    """Compare the data of a run with that of the run that it updates."""
    old, new = Images.load(before), Images.load(run)
    old_labels, new_labels = _labels(before, old), _labels(run, new)
    test = {new.pixel_hashes[row] for row in load_splits(run).test}
    arrived = new_labels.keys() - old_labels.keys()
    return DataChange(
        before=str(before.path.resolve()),
        kept=len(new_labels.keys() & old_labels.keys()),
        new=len(arrived),
        new_test=len(arrived & test),
        gone=tuple(sorted(path for key, (path, _) in old_labels.items() if key not in new_labels)),
        relabelled=tuple(
            Relabelled(path, old_labels[key][1], label)
            for key, (path, label) in new_labels.items()
            if key in old_labels and old_labels[key][1] != label
        ),
    )


def save_change(run: RunFolder, change: DataChange) -> None:
    """Write `update.json`."""
    write_json(run.update, to_json(change))


def load_change(run: RunFolder) -> DataChange:
    """Read `update.json`.

    Raises:
        TuneError: it is missing or broken.
    """
    return from_json(DataChange, read_object(run.update), file=run.update)


def _labels(run: RunFolder, images: Images) -> dict[str, tuple[str, str]]:
    """By the hash of its pixels the path and the label of each image."""
    names, targets = DataSummary.load(run).class_names, load_targets(run)
    return {
        key: (path, names[target])
        for key, path, target in zip(images.pixel_hashes, images.paths, targets, strict=True)
    }


def _some(words: tuple[str, ...] | list[str]) -> str:
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
