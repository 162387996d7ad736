"""Copy features of images that are in another data set too."""

import math
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from search.errors import TuneError
from search.process.atomic_files import read_object
from search.trial.features.cache import BATCH
from search.trial.features.row_store import RowStore
from search.trial.features.view_files import locked_view

VIEWS = ("plain", "flipped")  # of which each row follows from its image alone


def carry_features(
    source: Path, target: Path, pairs: Sequence[tuple[int, int]], *, sizes: tuple[int, int]
) -> int:
    """Copy what is known of some images; nothing that is there already is written again.

    Args:
        source, target: prepared pixels, beside which features are kept.
        pairs: rows of the same image in both.
        sizes: how many images each has.

    Returns:
        How many rows were copied, of all networks and views together.
    """
    copied = 0
    for folder in sorted(source.with_suffix(".features").glob("*/")):
        shape = None
        with suppress(TuneError, KeyError, TypeError):  # missing or damaged: made anew
            shape = tuple(read_object(folder / "about.json")["shape"])
        if shape is None:
            continue
        into = target.with_suffix(".features") / folder.name
        for view in VIEWS:
            copied += _carry_view(folder / f"{view}.f32", into, pairs, sizes, math.prod(shape))
        if into.is_dir() and not (into / "about.json").exists():
            shutil.copyfile(folder / "about.json", into / "about.json")
    return copied


def _carry_view(
    path: Path,
    into: Path,
    pairs: Sequence[tuple[int, int]],
    sizes: tuple[int, int],
    columns: int,
) -> int:
    old = RowStore(path, (sizes[0], columns))
    there = np.array([pair for pair in pairs if old.sums[pair[0]]], np.int64).reshape(-1, 2)
    # What is damaged would be written with a checksum that is right.
    there = there[old.sound(there[:, 0])] if len(there) else there
    if not len(there):
        return 0
    lines, target = old.open(), into / path.name
    with locked_view(target, lambda done, total: None):  # another search may make them
        new = RowStore(target, (sizes[1], columns))
        wanted = there[new.sums[there[:, 1]] == 0]
        with new:
            for start in range(0, len(wanted), BATCH):
                rows, others = wanted[start : start + BATCH].T
                new.write(others, np.asarray(lines[rows]))
    return len(wanted)
