"""What reads as an array of images."""

from typing import Any, Protocol


class ImageRows(Protocol):
    """Images of one size, or their features, of which rows are read: an array, or similar."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(images, height, width, 3)."""

    @property
    def nbytes(self) -> int:
        """Of all images."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Uint8 [height, width, 3] of a row, or [rows, height, width, 3] of several."""
