"""Send files to actors and fetch files from them, piece by piece through Ray's object store."""

import threading
from collections import deque
from pathlib import Path
from types import ModuleType
from typing import Any

from search.executors.ray.files.pieces import (
    PIECE_BYTES,
    Arriving,
    Manifest,
    PieceError,
    manifest_of,
    read_piece,
)

WINDOW = 4  # pieces of one file that are on their way at once
IN_FLIGHT = 16  # pieces of all files: 128 MiB of the object store at most
ATTEMPTS = 3
ANSWER_SECONDS = 600.0  # in which a node has read and compared what it has of a file
SLOWEST = 20e6  # bytes of a larger file that it compares in a second, on a slow disk


class Transfer:
    """The driver's side; safe to be used by several threads."""

    def __init__(self, ray: ModuleType) -> None:
        self.ray = ray
        self._room = threading.BoundedSemaphore(IN_FLIGHT)
        self._lock = threading.Lock()
        self._known: dict[tuple[Path, int, int], Manifest] = {}

    def send(self, path: Path, actor: Any, place: str, *, grows: bool = False) -> int:
        """Send what an actor lacks of a file.

        Args:
            path: the file.
            actor: a `Receiver`.
            place: where the file goes, below the actor's folder.
            grows: whether what is there already stays, whatever it holds.

        Returns:
            Bytes that were sent.

        Raises:
            PieceError: the file has changed meanwhile, or came damaged, several times.
            RayError: the actor is gone.
        """
        for attempt in range(1, ATTEMPTS + 1):
            manifest = self._manifest(path)
            seconds = max(ANSWER_SECONDS, manifest.size / SLOWEST)
            missing = self._answer(actor.missing.remote(place, manifest, grows), seconds)
            try:
                self._send_pieces(path, actor, place, manifest, missing)
                if missing:
                    self._answer(actor.finish.remote(place))
            except (PieceError, FileNotFoundError):
                if attempt == ATTEMPTS:
                    raise
            else:
                break
        return sum(len_of(number, manifest) for number in missing)

    def _send_pieces(
        self, path: Path, actor: Any, place: str, manifest: Manifest, missing: list[int]
    ) -> None:
        on_their_way: deque[Any] = deque()
        try:
            for number in missing:
                piece = read_piece(path, number, manifest)
                # Who waits for room holds none: else several would wait for one another for ever.
                while len(on_their_way) >= WINDOW or not self._room.acquire(
                    blocking=not on_their_way
                ):
                    self._arrived(on_their_way)
                on_their_way.append(self._on_its_way(actor, place, number, piece))
                del piece
            while on_their_way:
                self._arrived(on_their_way)
        finally:
            for _ in on_their_way:
                self._room.release()

    def _on_its_way(self, actor: Any, place: str, number: int, piece: bytes) -> Any:
        """Send a piece, for which there is room."""
        try:
            # As a reference: Ray moves it once, and drops it when it has been written.
            return actor.take.remote(place, number, self.ray.put(piece))
        except BaseException:
            self._room.release()
            raise

    def _arrived(self, on_their_way: deque[Any]) -> None:
        self._answer(on_their_way[0])
        on_their_way.popleft()
        self._room.release()

    def fetch(self, actor: Any, place: str, manifest: Manifest, path: Path) -> None:
        """Fetch a file that an actor has named, and put it in the place of what is there.

        Raises:
            PieceError: it is not there any more, or came damaged.
            OSError: the disk is full or failing.
            RayError: the actor is gone.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        arriving = Arriving(path, manifest)
        for number in arriving.missing():
            with self._room:
                arriving.take(number, self._answer(actor.piece.remote(place, number, manifest)))
        if arriving.part.exists():
            arriving.finish()

    def _manifest(self, path: Path) -> Manifest:
        file = path.stat()
        key = (path, file.st_size, file.st_mtime_ns)
        with self._lock:
            if key in self._known:
                return self._known[key]
        made = manifest_of(path)
        with self._lock:
            return self._known.setdefault(key, made)

    def _answer(self, reference: Any, seconds: float = ANSWER_SECONDS) -> Any:
        return self.ray.get(reference, timeout=seconds)


def len_of(number: int, manifest: Manifest) -> int:
    """Bytes of one piece."""
    return min(PIECE_BYTES, manifest.size - number * PIECE_BYTES)
