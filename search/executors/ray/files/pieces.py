"""Send files in pieces that are checked one by one, so that a transfer goes on where it was cut.

A file is known by the SHA-256 of its pieces. What is there already, from an earlier search or from
a transfer that was cut short, is read and compared: only the pieces that differ travel.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.atomic_files import make_folder, sync_folder, write_bytes

PIECE_BYTES = 8 * 2**20
ARRIVING = ".arriving"  # ends the names of unfinished files


class PieceError(Exception):
    """A piece is not what its digest says, or its file is no longer what it was."""


@dataclass(frozen=True)
class Manifest:
    """What a file is.

    Attributes:
        size: in bytes.
        digests: SHA-256 of each piece, hexadecimal; each but the last is of `PIECE_BYTES`.
    """

    size: int
    digests: tuple[str, ...]


def digest_of(piece: bytes) -> str:
    """SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(piece).hexdigest()


def manifest_of(path: Path) -> Manifest:
    """Read a file once.

    Raises:
        OSError: it cannot be read.
    """
    digests = tuple(map(digest_of, _pieces(path)))
    return Manifest(path.stat().st_size, digests)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def read_piece(path: Path, number: int, manifest: Manifest) -> bytes:
    """Read one piece.

    Raises:
        PieceError: the file has changed since its manifest was made.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(number * PIECE_BYTES)
        piece = file.read(PIECE_BYTES)
    if digest_of(piece) != manifest.digests[number]:
        raise PieceError(f"{path}: has changed while it was sent")
    return piece


@dataclass(frozen=True)
class Arriving:
    """A file that comes piece by piece, under another name until it is whole.

    The name is the same in every attempt: what has come stays for the next.

    Attributes:
        path: what it becomes.
        manifest: what it shall be.
        noted: whether it is noted beside the file that this was compared, for later searches.
        private: whether the user alone may read it.
    """

    path: Path
    manifest: Manifest
    noted: bool = False
    private: bool = False

    @property
    def part(self) -> Path:
        """The unfinished file."""
        return self.path.with_name(f".{self.path.name}{ARRIVING}")

    @property
    def _note(self) -> Path:
        """Beside a file that was read and compared: which one it was."""
        return self.path.with_name(f".{self.path.name}.checked")

    def _is_whole(self) -> bool:
        """Compare the file that is there; one that was compared before is not read again."""
        if self._note.exists() and self._note.read_text() == self._as_checked():
            return True
        if manifest_of(self.path) != self.manifest:
            return False
        self._write_note()
        return True

    def _write_note(self) -> None:
        if self.noted:
            write_bytes(self._note, self._as_checked().encode())

    def _as_checked(self) -> str:
        file, whole = self.path.stat(), digest_of("".join(self.manifest.digests).encode())
        return f"{file.st_ino} {file.st_size} {file.st_mtime_ns} {whole}"

    def missing(self) -> list[int]:
        """Numbers of the pieces that are not there yet; [] where the file is whole.

        Raises:
            OSError: the disk is full or failing.
        """
        if self.path.exists() and self._is_whole():
            return []
        make_folder(self.path.parent, shared=False)
        mode = 0o600 if self.private else 0o666
        handle = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode)
        with os.fdopen(handle, "ab") as file:
            # With holes: pieces of zeros, as in files of features, need not travel.
            file.truncate(self.manifest.size)
        there = map(digest_of, _pieces(self.part))
        compared = enumerate(zip(there, self.manifest.digests, strict=True))
        missing = [number for number, (mine, wanted) in compared if mine != wanted]
        if not missing:
            self.finish()
        return missing

    def take(self, number: int, piece: bytes) -> None:
        """Write one piece.

        Raises:
            PieceError: it is not what was sent.
            OSError: the disk is full or failing.
        """
        if digest_of(piece) != self.manifest.digests[number]:
            raise PieceError(f"{self.path}: piece {number} came damaged")
        with self.part.open("r+b") as file:
            file.seek(number * PIECE_BYTES)
            file.write(piece)

    def finish(self) -> None:
        """Give the file its name, once every piece is there.

        Raises:
            OSError: the disk is full or failing.
        """
        with self.part.open("rb") as file:
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):  # another on this machine was faster
            self.part.replace(self.path)
        sync_folder(self.path.parent)
        self._write_note()
