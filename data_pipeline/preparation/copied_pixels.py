"""Copy the prepared pixels of images that are in another data set too."""

from collections.abc import Mapping, Sequence

import numpy as np

from data_pipeline.catalog.entries import Entry
from data_pipeline.listing.listing import Listing
from data_pipeline.pixels.prepared import Donor, RowFile


def copy_pixels(
    listing: Listing,
    known: Mapping[str, Entry],
    rows: Sequence[RowFile],
    donors: Mapping[tuple[int, int], Donor],
) -> set[int]:
    """Copy the pixels of checked files that a donor of each size has.

    Args:
        listing: of the files.
        known: what is known of those that were checked, by path.
        rows: where pixels are written, for each size.
        donors: by image size.

    Returns:
        The rows that were written.
    """
    if not all(target.image_size in donors for target in rows):
        return set()
    given = [donors[target.image_size] for target in rows]
    copied = set()
    for row, file in enumerate(listing.files):
        entry = known.get(file.path)
        if entry is None or not all(entry.pixel_hash in donor.rows for donor in given):
            continue
        for target, donor in zip(rows, given, strict=True):
            target.write(row, np.asarray(donor.pixels[donor.rows[entry.pixel_hash]]))
        copied.add(row)
    return copied
