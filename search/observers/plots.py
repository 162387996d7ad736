"""Draw images for TensorBoard: augmented batches and the confusion matrix."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.process.printable import printable


def side_by_side(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.uint8]:
    """Draw two grids of 4 columns with a white line between: uint8 [height, width, 3].

    Args:
        before, after: [n, height, width, 3] in 0–255, the same n.
    """
    left, right = _grid(before, columns=4), _grid(after, columns=4)
    gap = np.full((left.shape[0], 8, 3), 255, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def _grid(images: NDArray[Any], *, columns: int) -> NDArray[np.uint8]:
    images = np.clip(images, 0, 255).astype(np.uint8)
    missing = -len(images) % columns
    images = np.concatenate([images, np.full((missing, *images.shape[1:]), 255, np.uint8)])
    rows = [
        np.concatenate(list(images[i : i + columns]), axis=1)
        for i in range(0, len(images), columns)
    ]
    return np.concatenate(rows, axis=0)


def confusion_image(matrix: list[list[int]], class_names: tuple[str, ...]) -> NDArray[np.uint8]:
    """Draw the confusion matrix with counts and shares: uint8 [height, width, 3]."""
    from matplotlib.figure import Figure

    # Folder names need not be text, and matplotlib would read "$" as a formula ("a $5 bill").
    names = [printable(label)[:40] for label in class_names]
    # TensorBoard shows 350 pixels; it shrinks a larger image, and its text becomes hard to read.
    size = min(12.0, 1.7 + 0.6 * len(names) + 0.09 * max(map(len, names)))
    figure = Figure(figsize=(size, size), dpi=110, layout="constrained")
    axes = figure.subplots()
    counts = np.array(matrix, float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    turn = 45 if len(class_names) > 4 else 0
    axes.set_xticks(range(len(class_names)), names, rotation=turn, parse_math=False)
    axes.set_yticks(range(len(class_names)), names, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(class_names) <= 20:
        for row, column in np.ndindex(*counts.shape):
            axes.text(
                column,
                row,
                f"{int(counts[row, column])}\n{shares[row, column]:.0%}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if shares[row, column] > 0.5 else "black",
            )
    return _pixels(figure)


def _pixels(figure: Any) -> NDArray[np.uint8]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
