"""What a format of exported files is: how it is written, opened and judged.

NumPy is imported where it is used: the command line reads the table of formats at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 32  # images answered together: bounds the memory


class Call(Protocol):
    """A loaded file: images uint8 [n, height, width, 3] -> probabilities float32 [n, classes]."""

    def __call__(self, images: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Answer any number of images."""


@dataclass(frozen=True)
class Tolerance:
    """How far a file may be from the model.

    Attributes:
        difference: of one probability at most; None where only the average counts.
        mean: of an image's probabilities, on average: what the file moves from class to class.
        agreement: share of images that must get the same label, 0 to 1.
        answered: by how much more or fewer of the images may reach the threshold, 0 to 1; None
            where `difference` bounds what may happen there.
    """

    difference: float | None
    mean: float
    agreement: float
    answered: float | None = None

    @property
    def tie(self) -> float:
        """How close the model's two likeliest classes must be for either label to do."""
        # Twice: one of the two may lose as much as the other gains.
        return 2 * (self.mean if self.difference is None else self.difference)


# Of three trained networks' 200 photos, float files were off by 1.4e-5 at most, and int8 files by
# 0.016 on average with 98.5 % of the labels; ranges set by one class alone gave 0.18 and 70 %.
FLOAT = Tolerance(difference=3e-4, mean=3e-4, agreement=1.0)
QUANTISED = Tolerance(difference=None, mean=0.05, agreement=0.95, answered=0.05)


@dataclass(frozen=True)
class Source:
    """A trained model as the writers take it.

    Attributes:
        model: prepared pixels [b, height, width, 3] 0-255 -> probabilities [b, 1] or [b, k].
        finished: images of any size -> float32 [b, num_classes]; see
            `models.serving.with_preprocessing`.
        image_size: (height, width) in pixels that `model` takes.
        num_classes: two or more.
        representative: uint8 [n, height, width, 3], prepared pixels by which the ranges of int8
            numbers are set: a hundred or more that were trained on, of all classes. Those of one
            class alone cut off the answers for the others.
    """

    model: Any
    finished: Any
    image_size: tuple[int, int]
    num_classes: int
    representative: NDArray[np.uint8]

    def fixed(self) -> Any:
        """Build the model without a resize: images of `image_size` -> probabilities."""
        from models.serving import with_fixed_size

        return with_fixed_size(self.model, image_size=self.image_size, num_classes=self.num_classes)


@dataclass(frozen=True)
class Format:
    """A form in which a trained model is written.

    All take float32 pixels 0-255 and give float32 [n, num_classes].

    Attributes:
        name: what `--format` takes, and "format" in the rows of `metrics.json`.
        title: its name in text.
        file: name of the file or folder in the export.
        write: writes a model to a path; may raise anything.
        open: loads a file by its own runtime, which is imported there.
        fixed_size: whether it takes images already resized, else images of any size.
        needs_code: whether layers of a user's own are loaded from the code that defines them.
        tolerance: how far its answers may be from the model's.
        option: how the command line asks for it: "--format" with its name, a flag of its own, or
            "" for not at all.
        help: of its own flag.
        packages: needed to write and open it, besides what this program installs.
        extra: of this program's package, which installs them.
    """

    name: str
    title: str
    file: str
    write: Callable[[Source, Path], None]
    open: Callable[[Path], Call]
    fixed_size: bool
    tolerance: Tolerance = FLOAT
    option: str = "--format"
    help: str = ""
    packages: tuple[str, ...] = ()
    extra: str = ""
    needs_code: bool = False

    @property
    def quantised(self) -> bool:
        """Whether its numbers are rounded: single probabilities may then be off."""
        return self.tolerance.difference is None

    @property
    def asked_for(self) -> str:
        """Say what to give on the command line to get it: `--format litert`."""
        return f"--format {self.name}" if self.option == "--format" else self.option


def in_batches(answer: Callable[[NDArray[np.uint8]], Any], size: int = BATCH) -> Call:
    """Answer any number of images by a function that takes `size` at most."""
    import numpy as np

    def call(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        starts = range(0, len(images), size)
        return np.concatenate(
            [np.asarray(answer(images[i : i + size]), np.float32) for i in starts]
        )

    return call
