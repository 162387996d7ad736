"""Copy the prepared pixels of images that are in another data set too."""

from collections.abc import Mapping, Sequence

import numpy as np

from data_pipeline.pixels.building import RowFile
from data_pipeline.pixels.prepared import Donor


def copy_pixels(
    kept: np.ndarray,
    pixel_hashes: Sequence[str],
    rows: Sequence[RowFile],
    donors: Mapping[tuple[int, int], Donor],
) -> np.ndarray:
    """Copy the pixels of checked files that a donor of each size has.

    Args:
        kept: bool [files], which were checked and are usable.
        pixel_hashes: of these, by row.
        rows: where pixels are written, for each size.
        donors: by image size.

    Returns:
        bool [files]: the rows that were written.
    """
    copied = np.zeros(len(kept), bool)
    if not all(target.image_size in donors for target in rows):
        return copied
    given = [donors[target.image_size] for target in rows]
    for row in np.flatnonzero(kept[: max(target.rows for target in rows)]).tolist():
        pixel_hash = pixel_hashes[row]
        if all(pixel_hash in donor.rows for donor in given):
            for target, donor in zip(rows, given, strict=True):
                if target.keeps(row):
                    target.write(row, np.asarray(donor.pixels[donor.rows[pixel_hash]]))
            copied[row] = True
    return copied
