"""List the files of a folder of class folders: labels and splits are names of folders."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import DataError
from data_pipeline.listing.class_names import doubtful_names
from data_pipeline.listing.files import Files
from data_pipeline.listing.folder_files import Entries, Folder, Walk, scan
from data_pipeline.listing.listing import LeftOut, Listing, Split

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
    "holdout": "test",
}
"""What folders and columns call the splits, in lower case."""

_SHOWN = 5  # names in a message
_BESIDE = "beside the class folders"


@dataclass(frozen=True)
class _ClassFolder:
    """A folder whose files show one class.

    Attributes:
        label: its name.
        split: of the folder that it is in; None where there are no splits.
        folder: what it holds.
    """

    label: str
    split: Split | None
    folder: Folder


def list_class_folders(root: Path, *, follow_links: bool = False, least: int = 2) -> Listing:
    """List the files under the class folders of a folder.

    `root` holds either class folders, or `train/` and at least one folder for validation or for
    the test (`SPLIT_NAMES`, in any case), each with class folders inside. Hidden files and clutter
    are left out.

    Args:
        root: the folder.
        follow_links: whether linked folders and files outside of `root` are taken.
        least: how many classes there must be.

    Raises:
        DataError: a folder is not readable, there are too few classes, or folders that are taken
            for classes look like something else.
    """
    walk = Walk(root, follow_links)
    folders = _class_folders(walk)
    class_names = tuple(sorted({found.label for found in folders}))
    if len(class_names) < least:
        raise _too_few(walk, class_names, least)
    files = Files.of(
        file for found in folders for file in walk.files(found.folder, found.label, found.split)
    )
    return Listing(
        root,
        files.by_path(),
        class_names,
        left_out=tuple(sorted(walk.left_out, key=_place)),
        doubts=tuple(doubtful_names(class_names)),
    )


def _place(left_out: LeftOut) -> str:
    return left_out.path


def _class_folders(walk: Walk) -> list[_ClassFolder]:
    entries = scan(walk.root)
    top = walk.folders(entries)
    walk.leave_out_others(entries, reason=_BESIDE)
    splits = {name: SPLIT_NAMES[name.lower()] for name in top if name.lower() in SPLIT_NAMES}
    if "train" not in splits.values() or len(set(splits.values())) < 2:
        _require_classes(walk, top, splits)
        return [_ClassFolder(name, None, within) for name, within in top.items()]
    if len(splits) < len(top):
        raise DataError(
            f"{walk.root}/: found {_named(splits)} beside other folders "
            f"({_named(set(top) - set(splits))}); expected either splits or classes there; "
            "move the others elsewhere"
        )
    found = []
    for name, split in splits.items():
        entries = scan(Path(top[name].path))
        classes = walk.folders(entries)
        walk.leave_out_others(entries, reason=_BESIDE)
        found += [_ClassFolder(label, split, within) for label, within in classes.items()]
    return found


def _require_classes(walk: Walk, top: Mapping[str, Folder], splits: Mapping[str, Split]) -> None:
    """Refuse folders that are no classes.

    Raises:
        DataError: some are splits or parts of the data set, with what was probably meant.
    """
    root = walk.root
    below = {name: within.folders for name, within in top.items()}
    if len(top) < 2:
        return  # there are too few, which is said with what is below
    filled = [name for name, within in top.items() if within.folders or within.has_files]
    if len(filled) == 1 and not top[filled[0]].has_files and len(below[filled[0]]) > 1:
        raise DataError(
            f"{root}/: {filled[0]} alone holds anything, and that is folders; did you mean "
            f"{root / filled[0]}?"
        )
    for name, split in splits.items():
        # A train is also a vehicle: then its images lie in the folder itself.
        if split != "train" or below[name]:
            raise DataError(
                f"{root}/: the folder {name} is no class by its name; expected classes alone, or "
                "train and at least one of validation and test with the classes inside; "
                f"rename {name} if it is a class"
            )
    shared = frozenset.intersection(*below.values())
    if len(shared) < 2:
        for name, inside in below.items():
            if len(parts := {each for each in inside if each.lower() in SPLIT_NAMES}) > 1:
                raise DataError(
                    f"{root}/: the folder {name} holds {_named(parts)}, and is a data set rather "
                    f"than a class; did you mean {root / name}?"
                )
        return
    if all(name.lower() in SPLIT_NAMES for name in shared):
        meant = "the classes inside of the splits, as train/CLASS/ and test/CLASS/"
    else:
        meant = (
            f"class folders; if {_named(shared)} are the classes, put the images of each "
            "into one folder, or name their labels in a table (--labels)"
        )
    raise DataError(
        f"{root}/: {_named(top)} all hold the same folders ({_named(shared)}); expected {meant}"
    )


def _too_few(walk: Walk, class_names: tuple[str, ...], least: int) -> DataError:
    """Say how many classes there are, and where there are more."""
    root, need = walk.root, f"need at least {least}"
    names = f" ({', '.join(class_names)})" if class_names else ""
    count = f"{root}/: found {len(class_names)} class folder{'' if len(class_names) == 1 else 's'}"
    loose = sum(entry.reason == _BESIDE for entry in walk.left_out)
    linked = [entry.path for entry in walk.left_out if entry.reason.startswith("symbolic link")]
    remedy = "put each class in a folder of its own"
    if deeper := _with_classes_below(walk, class_names):
        remedy = f"{deeper} holds folders: did you mean that one?"
    elif linked:
        remedy = f"--follow-links takes the linked folders ({_named(linked)})"
    elif loose:
        files = "1 file lies" if loose == 1 else f"{loose:,} files lie"
        remedy = f"{files} directly in it: {remedy}, or name the labels in a table (--labels)"
    return DataError(f"{count}{names}, {need}; {remedy}")


def _with_classes_below(walk: Walk, class_names: tuple[str, ...]) -> Path | None:
    """The folder below the only one there that holds two folders or more; None without one."""
    folder = walk.root
    names = class_names
    while len(names) == 1:
        folder = folder / names[0]
        names = tuple(sorted(_folder_names(walk, scan(folder))))
    return folder if len(names) > 1 else None


def _folder_names(walk: Walk, entries: Entries) -> set[str]:
    return {entry.name for entry in entries if walk.is_class_folder(entry)}


def _named(names: Mapping[str, object] | Set[str] | list[str]) -> str:
    """List some names: "a, b and 3 more"."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return f"{', '.join(ordered[:_SHOWN])}{more}"
