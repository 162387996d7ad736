"""Copy features of images that are in another data set too."""

import math
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from data_pipeline.atomic_files import make_folder
from search.errors import TuneError
from search.process.atomic_files import read_object
from search.trial.features.cache import BATCH
from search.trial.features.row_store import RowStore

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
    there = [(row, other) for row, other in pairs if old.sums[row]]
    if not there:
        return 0
    make_folder(into, shared=True)
    new = RowStore(into / path.name, (sizes[1], columns))
    wanted = [(row, other) for row, other in there if not new.sums[other]]
    lines = old.open()
    with new:
        for start in range(0, len(wanted), BATCH):
            rows, others = np.array(wanted[start : start + BATCH], np.int64).T
            new.write(others, np.asarray(lines[rows]))
    return len(wanted)
