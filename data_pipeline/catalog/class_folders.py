"""List the files of a folder of class folders: labels and splits are names of folders."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_pipeline.catalog.entries import Split
from data_pipeline.catalog.listing import ListedFile, Listing
from data_pipeline.errors import DataError

_SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
    "testing": "test",
}

# What operating systems and annotation tools leave beside photos. Of everything else the
# content is checked: a suffix proves nothing, and a bad file must be reported, not overlooked.
_CLUTTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_CLUTTER_SUFFIXES = {".txt", ".csv", ".json", ".xml", ".yaml", ".yml", ".md", ".html"}
_CLUTTER_FOLDERS = {"__macosx", "@eadir"}


def list_class_folders(root: Path) -> Listing:
    """List the files under the class folders of a folder.

    `root` holds either class folders, or `train/` and at least one of `validation/` (`val/`,
    `valid/`) and `test/`, each with class folders inside. Hidden files and clutter are left out.

    Raises:
        DataError: the folder is not readable, or has fewer than 2 classes.
    """
    folders = _class_folders(root)
    class_names = tuple(sorted({label for _, label, _ in folders}))
    if len(class_names) < 2:
        names = f" ({', '.join(class_names)})" if class_names else ""
        raise DataError(
            f"{root}/: found {len(class_names)} class folder"
            f"{'' if len(class_names) == 1 else 's'}{names}, need at least 2; put each class in a "
            "folder of its own"
        )
    inside = os.path.realpath(root)
    files = [
        file
        for folder, label, split in folders
        for file in _files(_scan(Path(folder)), root, inside, label, split)
    ]
    return Listing(root, tuple(sorted(files, key=_path)), class_names)


def files_below(folder: Path) -> list[ListedFile]:
    """List the files under a folder without classes, sorted by path; labels are "".

    Raises:
        DataError: the folder is not readable.
    """
    return sorted(_files(_scan(folder), folder, os.path.realpath(folder), "", None), key=_path)


def _path(file: ListedFile) -> str:
    return file.path


def _class_folders(root: Path) -> list[tuple[str, str, Split | None]]:
    """Find the class folders: (folder, label, split) of each."""
    top = {entry.name: entry.path for entry in _folders_in(root)}
    splits = {name: _SPLIT_NAMES[name.lower()] for name in top if name.lower() in _SPLIT_NAMES}
    if "train" not in splits.values() or len(set(splits.values())) < 2:
        return [(path, name, None) for name, path in top.items()]
    if len(splits) < len(top):
        others = ", ".join(sorted(set(top) - set(splits)))
        raise DataError(
            f"{root}/: found {', '.join(sorted(splits))} beside other folders ({others}); "
            "expected either splits or classes there; move the others elsewhere"
        )
    return [
        (entry.path, entry.name, split)
        for name, split in splits.items()
        for entry in _folders_in(Path(top[name]))
    ]


def _folders_in(folder: Path) -> list[os.DirEntry[str]]:
    return [
        entry
        for entry in _scan(folder)
        if entry.is_dir(follow_symlinks=False) and not _is_clutter(entry.name, folder=True)
    ]


def _files(
    entries: Iterable[os.DirEntry[str]], root: Path, inside: str, label: str, split: Split | None
) -> Iterator[ListedFile]:
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if _is_clutter(entry.name, folder=is_folder):
            continue
        path = Path(entry.path).relative_to(root).as_posix()
        try:
            if is_folder:
                yield from _files(_list(entry.path), root, inside, label, split)
                continue
            problem, status = _look(entry, inside)
        except OSError as error:
            # A folder that may not be read, or a file that was deleted since it was listed: it is
            # reported, and the others are listed.
            yield ListedFile(path, label, split, 0, 0, f"unreadable: {error.strerror}")
        else:
            yield ListedFile(path, label, split, status.st_size, status.st_mtime_ns, problem)


def _look(entry: os.DirEntry[str], inside: str) -> tuple[str, os.stat_result]:
    """Return why a file must not be opened ("" where it may), and its status."""
    status = entry.stat(follow_symlinks=False)
    problem = ""
    if entry.is_symlink():
        problem, status = _through_link(entry, inside, status)
    elif not stat.S_ISREG(status.st_mode):
        problem = "not a regular file"
    if not problem and not os.access(entry.path, os.R_OK):
        problem = "unreadable: Permission denied"
    return problem, status


def _through_link(
    entry: os.DirEntry[str], inside: str, status: os.stat_result
) -> tuple[str, os.stat_result]:
    """Return why a link must not be followed, and the status of what it leads to."""
    target = os.path.realpath(entry.path)
    if not target.startswith(inside + os.sep):
        return "symbolic link out of the folder", status
    try:
        reached = entry.stat()
    except OSError as error:
        return f"unreadable: {error.strerror}", status
    if stat.S_ISDIR(reached.st_mode):
        return "symbolic link to a folder", status
    return ("" if stat.S_ISREG(reached.st_mode) else "not a regular file"), reached


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return _list(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror}; expected a folder that can be listed; "
            "check its permissions"
        ) from error


def _list(folder: Path | str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _is_clutter(name: str, *, folder: bool) -> bool:
    lowered = name.lower()
    if folder:
        return lowered.startswith(".") or lowered in _CLUTTER_FOLDERS
    suffix = Path(lowered).suffix
    return lowered.startswith(".") or lowered in _CLUTTER or suffix in _CLUTTER_SUFFIXES
