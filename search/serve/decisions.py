"""What somebody decides about suspected labels: written at once, and undone."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data_pipeline.atomic_files import write_bytes
from data_pipeline.listing.corrections import Correction, read_corrections, written


@dataclass(frozen=True)
class Question:
    """An image whose label is in doubt.

    Attributes:
        path: relative to the folder of the images.
        label: that it has.
        listed: that it had before any correction.
        likelier: the class that it is likelier of.
        shares: of both, out of fold, 0 to 1.
        split: that it is in; "" for none.
        image: JPEG.
    """

    path: str
    label: str
    listed: str
    likelier: str
    shares: tuple[float, float]
    split: str
    image: bytes


class Decisions:
    """The decisions about some images, in a file that is whole at any time.

    What the file says of other images stays.

    Args:
        file: of corrections (`data_pipeline.listing.corrections`); made by the first decision.
        questions: the images.
        earlier: corrections that the labels have been corrected by; they stay, as a new search
            begins with the labels of the data set once more.

    Raises:
        DataError: there is such a file, and it cannot be read.
    """

    def __init__(
        self,
        file: Path,
        questions: Sequence[Question],
        earlier: Mapping[str, Correction] | None = None,
    ) -> None:
        self.file, self._questions = file, questions
        self._earlier = dict(earlier or {})
        self._known = self._earlier | (read_corrections(file) if file.exists() else {})
        # Of each decision: the image, as it was before, and as it was decided.
        self._made: list[tuple[str, Correction | None, Correction]] = []
        self._lock = threading.Lock()

    def of(self, number: int) -> str | None:
        """The label decided on for an image; "" where it is set aside, None where it is open."""
        known = self._decided(self._questions[number].path)
        return None if known is None else known.new

    def _decided(self, path: str) -> Correction | None:
        """What was decided about an image since the labels were corrected earlier."""
        known = self._known.get(path)
        return None if known == self._earlier.get(path) else known

    @property
    def open_to_undo(self) -> int:
        """How many decisions can be undone."""
        return len(self._made)

    def decide(self, number: int, label: str) -> None:
        """Decide about an image: its label, another, or "" to set it aside."""
        question = self._questions[number]
        with self._lock:
            before = self._there().get(question.path)
            when = datetime.now(UTC).isoformat(timespec="seconds")
            decided = Correction(question.path, question.listed, label, when)
            self._write(question.path, decided)
            self._made.append((question.path, before, decided))

    def undo(self) -> None:
        """Take back the last decision; nothing where there is none.

        What another page has decided about the image since then stays.
        """
        with self._lock:
            if self._made:
                path, before, decided = self._made[-1]
                there = self._there()
                if there.get(path) == decided:
                    self._write(path, before)
                else:
                    self._known = there
                self._made.pop()

    def counts(self) -> tuple[int, int, int]:
        """How many of these images are (kept as they are, relabelled, set aside)."""
        labels = {question.path: question.label for question in self._questions}
        mine = [each for path in labels if (each := self._decided(path))]
        aside = sum(each.new == "" for each in mine)
        kept = sum(each.new == labels[each.path] for each in mine)
        return kept, len(mine) - kept - aside, aside

    def _there(self) -> dict[str, Correction]:
        """All corrections as they are now: another page may have written some, or an editor."""
        return self._earlier | read_corrections(self.file) if self.file.is_file() else self._known

    def _write(self, path: str, correction: Correction | None) -> None:
        known = {key: value for key, value in self._there().items() if key != path}
        if correction is not None:
            known[path] = correction
        write_bytes(self.file, written(known.values()))
        self._known = known
