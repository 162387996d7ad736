"""The summary of a run's data: `data.json`."""

from contextlib import suppress
from dataclasses import dataclass

from search.errors import TuneError
from search.process.atomic_files import read_json
from search.run_folder.paths import RunFolder
from search.run_folder.schema import from_json, named, omitted


@dataclass(frozen=True)
class SplitSizes:
    """Number of images in each split."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What one given split knows of another (see `data_pipeline.near_duplicates.leaks`).

    Attributes:
        split, other: whose score it spoils, and where its images are known from.
        images: how many of `split` have a copy or near-copy in `other`.
        grouped: how many are of a group of the data set that is in `other` too; None where an
            older version did not know groups.
        exact: how many of these have one with the same pixels.
        of, share: images in `split`, and what share of them `images` is, 0 to 1.
    """

    split: str
    other: str
    images: int = named("pictures")
    exact: int
    of: int
    share: float
    grouped: int | None = omitted()

    @property
    def copies(self) -> str:
        """What these images are, as "near-copies of images in train"."""
        if self.grouped and self.grouped == self.images:
            return f"of groups that are in {self.other} too"
        near = "copies" if self.exact == self.images else "near-copies"
        groups = ", or of groups that are there too" if self.grouped else ""
        return f"{near} of images in {self.other}{groups}"


@dataclass(frozen=True, kw_only=True)
class DataSummary:
    """What `data.json` holds.

    Attributes:
        root: folder of the images.
        fingerprint: of all images and labels: a run goes on with these only.
        class_names: in the order of class numbers.
        images: number of usable images.
        set_aside: number of files that were not used.
        not_used: number of files and folders that were not used by reason, those outside of all
            classes among them; None where an older version did not note it.
        pixels: path of the prepared pixels of the first size (`RunConfig.prepared_sizes`).
        other_pixels: paths of those of the other sizes, in their order.
        splits: how many images are for what.
        given: names of the splits that the folder gives; None where an older version did not note
            it.
        leaks: between splits that the folder gives; empty where it gives none, None where an
            older version did not look.
        made_by: "tune 0.1.0": what wrote it; None for an older version.
        dealt_apart: images of groups of near-copies that are too large for one split, and were
            dealt one by one; None where an older version did not note it.
        disk: bytes that prepared images and features may take, where the user said that.
    """

    root: str
    fingerprint: str
    class_names: tuple[str, ...] = named("labels")
    images: int = named("pictures")
    set_aside: int
    pixels: str
    splits: SplitSizes
    other_pixels: tuple[str, ...] | None = omitted()
    not_used: dict[str, int] | None = omitted()
    given: tuple[str, ...] | None = omitted()
    leaks: tuple[Leak, ...] | None = omitted()
    made_by: str | None = omitted()
    dealt_apart: int | None = omitted()
    disk: int | None = omitted()

    @classmethod
    def load(cls, run: RunFolder) -> "DataSummary":
        """Read `data.json`.

        Raises:
            OtherVersionError: another version wrote it, and it lacks a key.
            TuneError: it is missing or broken.
        """
        return from_json(cls, read_json(run.data), file=run.data, made_by=made_by(run))


def made_by(run: RunFolder) -> str | None:
    """The version of tune that wrote the run's data, as "tune 0.1.0"; None where it is unknown."""
    # It is part of messages about files that cannot be read: it must not fail by itself.
    with suppress(TuneError, AttributeError):
        writer = read_json(run.data).get("made_by")
        return writer if isinstance(writer, str) else None
    return None


def this_version() -> str:
    """This program and its version: "tune 0.1.0"; "tune" where it is not installed."""
    # Imported here: `tune show` reads this file too, and needs no version.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"tune {version('image-tune')}"
    except PackageNotFoundError:
        return "tune"
