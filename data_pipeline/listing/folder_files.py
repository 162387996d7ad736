"""Walk a folder: list its files without opening one, and say what is passed over and why."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from data_pipeline.errors import DataError
from data_pipeline.listing.listing import LeftOut, ListedFile, Split

_LOOP = "symbolic link to a folder that holds it"
HIDDEN, SYSTEM = "hidden", "file of the system"
LINKED_OUT = "symbolic link out of the folder"
LINKED_FOLDER = "symbolic link to a folder"

# What operating systems and annotation tools leave beside photos. Of everything else the
# content is checked: a suffix proves nothing, and a bad file must be reported, not overlooked.
_CLUTTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_CLUTTER_SUFFIXES = {".txt", ".csv", ".json", ".xml", ".yaml", ".yml", ".md", ".html"}
_CLUTTER_FOLDERS = {"__macosx", "@eadir"}

# A folder may hold a million files: so many of its entries are in memory at the same time.
_PIECE = 4096

Entries = list[os.DirEntry[str]]


@dataclass(frozen=True)
class Folder:
    """A folder that can be listed.

    Attributes:
        path: of the folder.
        folders: names of the folders in it, those that are passed over by their names left out.
        has_files: whether there is anything else that is not passed over by its name.
    """

    path: str
    folders: frozenset[str] = frozenset()
    has_files: bool = False


@dataclass
class Walk:
    """One walk through a data set.

    Attributes:
        root: the folder that paths are relative to.
        follow_links: whether links are followed wherever they lead; otherwise only links to files
            inside of `root`.
        left_out: what was passed over so far.
    """

    root: Path
    follow_links: bool = False
    left_out: list[LeftOut] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inside = os.path.realpath(self.root)
        self._user = os.geteuid()

    def folders(self, entries: Entries) -> dict[str, Folder]:
        """The folders among entries, by name, each listed.

        Raises:
            DataError: one of them cannot be listed.
        """
        found = {}
        for entry in entries:
            if self._is_folder(entry) and not self._passed_over(entry, folder=True):
                found[entry.name] = self._listed(entry.path)
        return found

    def _listed(self, path: str) -> Folder:
        """Look at what a folder holds.

        Raises:
            DataError: it cannot be listed.
        """
        folders, has_files = set(), False
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if self._is_folder(entry):
                        if not _clutter(entry.name, folder=True):
                            folders.add(entry.name)
                    elif not has_files:
                        has_files = not _clutter(entry.name, folder=False)
        except OSError as error:
            raise _not_listed(Path(path), error) from error
        return Folder(path, frozenset(folders), has_files)

    def leave_out_others(self, entries: Entries, *, reason: str) -> None:
        """Note what is no folder among entries whose folders are looked at."""
        for entry in entries:
            if self._is_folder(entry) or self._passed_over(entry, folder=False):
                continue
            linked = entry.is_symlink() and entry.is_dir()
            self._leave_out(entry, LINKED_FOLDER if linked else reason)

    def files(self, folder: Folder, label: str, split: Split | None) -> Iterator[ListedFile]:
        """List the files of a folder and of those below, each with the same label.

        They come one by one, in any order.

        Raises:
            DataError: the folder cannot be listed.
        """
        above = (self._inside, os.path.realpath(folder.path))
        place = Path(folder.path).relative_to(self.root).as_posix()
        within = "" if place == "." else f"{place}/"
        try:
            with os.scandir(folder.path) as entries:
                while piece := list(islice(entries, _PIECE)):
                    yield from self._files(piece, within, label, split, above)
        except OSError as error:
            raise _not_listed(Path(folder.path), error) from error

    def _files(
        self,
        entries: Iterable[os.DirEntry[str]],
        within: str,
        label: str,
        split: Split | None,
        above: tuple[str, ...],
    ) -> Iterator[ListedFile]:
        """List files and what is below folders; `within` is where they are, with a "/"."""
        for entry in entries:
            path = within + entry.name
            is_folder = self._is_folder(entry)
            if reason := _clutter(entry.name, folder=is_folder):
                self.left_out.append(LeftOut(path, reason))
            elif is_folder:
                yield from self._below(entry.path, path, label, split, above)
            else:
                try:
                    problem, status = self._look(entry)
                except OSError as error:
                    # It was deleted since it was listed: it is reported, and others are listed.
                    yield _unreadable(path, label, split, error)
                else:
                    size, mtime_ns = status.st_size, status.st_mtime_ns
                    yield ListedFile(path, label, split, size, mtime_ns, problem)

    def _below(
        self, folder: str, path: str, label: str, split: Split | None, above: tuple[str, ...]
    ) -> Iterator[ListedFile]:
        """List the files of a folder within another; one that cannot be listed is a bad file."""
        try:
            real = os.path.realpath(folder)
            if real in above or self._inside.startswith(real + os.sep):
                yield ListedFile(path, label, split, 0, 0, _LOOP)
                return
            with os.scandir(folder) as entries:
                while piece := list(islice(entries, _PIECE)):
                    yield from self._files(piece, f"{path}/", label, split, (*above, real))
        except OSError as error:
            yield _unreadable(path, label, split, error)

    def is_class_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether it is a folder that is not passed over by its name."""
        return self._is_folder(entry) and not _clutter(entry.name, folder=True)

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        return entry.is_dir(follow_symlinks=self.follow_links)

    def _relative(self, entry: os.DirEntry[str]) -> str:
        return Path(entry.path).relative_to(self.root).as_posix()

    def _leave_out(self, entry: os.DirEntry[str], reason: str) -> None:
        self.left_out.append(LeftOut(self._relative(entry), reason))

    def _passed_over(self, entry: os.DirEntry[str], *, folder: bool) -> bool:
        """Whether it is clutter, which is then noted."""
        reason = _clutter(entry.name, folder=folder)
        if reason:
            self._leave_out(entry, reason)
        return bool(reason)

    def _look(self, entry: os.DirEntry[str]) -> tuple[str, os.stat_result]:
        """Return why a file must not be opened ("" where it may), and its status."""
        status = entry.stat(follow_symlinks=False)
        problem = ""
        if entry.is_symlink():
            problem, status = self._through_link(entry, status)
        elif not stat.S_ISREG(status.st_mode):
            problem = "not a regular file"
        # The owner's permissions decide for files of this user's, and their status tells them: one
        # call of the system for each of a million files less.
        own = status.st_uid == self._user and status.st_mode & stat.S_IRUSR
        if not problem and not own and not os.access(entry.path, os.R_OK):
            problem = "unreadable: Permission denied"
        return problem, status

    def _through_link(
        self, entry: os.DirEntry[str], status: os.stat_result
    ) -> tuple[str, os.stat_result]:
        """Return why a link must not be followed, and the status of what it leads to."""
        target = os.path.realpath(entry.path)
        if not self.follow_links and not target.startswith(self._inside + os.sep):
            return LINKED_OUT, status
        try:
            reached = entry.stat()
        except OSError as error:
            return f"unreadable: {error.strerror}", status
        if stat.S_ISDIR(reached.st_mode):
            return LINKED_FOLDER, status
        return ("" if stat.S_ISREG(reached.st_mode) else "not a regular file"), reached


def files_below(folder: Path) -> list[ListedFile]:
    """List the files under a folder without classes, sorted by path; labels are "".

    Raises:
        DataError: the folder is not readable.
    """
    return sorted(Walk(folder).files(Folder(str(folder)), "", None), key=path_of)


def path_of(file: ListedFile) -> str:
    """The path of a file, by which files are sorted."""
    return file.path


def scan(folder: Path) -> Entries:
    """List a folder that must be readable.

    Raises:
        DataError: it is not.
    """
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise _not_listed(folder, error) from error


def _not_listed(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"{folder}: {error.strerror}; expected a folder that can be listed; check its permissions"
    )


def _unreadable(path: str, label: str, split: Split | None, error: OSError) -> ListedFile:
    return ListedFile(path, label, split, 0, 0, f"unreadable: {error.strerror}")


def _clutter(name: str, *, folder: bool) -> str:
    """Why something is passed over by its name; "" where it is not."""
    lowered = name.lower()
    if lowered.startswith("."):
        return HIDDEN
    if lowered in (_CLUTTER_FOLDERS if folder else _CLUTTER):
        return SYSTEM
    # By hand: os.path and pathlib take several times as long, for each of a million files.
    suffix = lowered[lowered.rfind(".") :] if "." in lowered else ""
    return f"{suffix} file" if not folder and suffix in _CLUTTER_SUFFIXES else ""
