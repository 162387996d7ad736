"""Choose the sizes at which images are prepared, where the user left them open."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.catalog.sources import DataOptions
from models.families.backbone import enlarged
from search.run_folder.config import DATA_OPTIONS

# Longer sides in pixels, without and with a GPU. Models that are trained from scratch take images
# of the first: on a processor their epochs are too long at more. A frozen backbone passes each
# image once, and is best near the 224 pixels at which most were trained.
SCRATCH = (96, 180)
BACKBONES = ((160, 224), (224, 288))
_SMALLEST = 32  # pixels; the smallest that every family takes


@dataclass(frozen=True)
class ImageSizes:
    """As in `RunConfig`.

    Attributes:
        image_size: (height, width) for models that are trained from scratch.
        backbone_sizes: longer sides in pixels that backbones may see.
        largest_side: longer side in pixels beyond which no images are prepared.
    """

    image_size: tuple[int, int]
    backbone_sizes: tuple[int, ...]
    largest_side: int | None


def image_sizes(
    given: Mapping[str, Any], data: Path, *, on_gpu: bool, cache_dir: Path
) -> ImageSizes:
    """Choose the sizes that suit the images and the machine, where none are given.

    With `image_size` given, backbones see images of that size, or enlarge them; images are
    prepared larger only where `backbone_sizes` are given too. No image is prepared larger than
    the images of the data set typically are.

    Args:
        given: the user's options; missing ones are open.
        data: the images.
        on_gpu: whether the machine has a GPU.
        cache_dir: where checks are remembered.

    Raises:
        DataError: no such data.
    """
    from data_pipeline.preparation.typical_side import typical_side

    asked, sides = given.get("image_size"), given.get("backbone_sizes")
    if asked and not sides:
        return ImageSizes(tuple(asked), enlarged(asked), max(asked))
    reading: Any = {name: given.get(name) for name in DATA_OPTIONS}
    options = DataOptions.of(**reading)
    typical = typical_side(data, cache_dir=cache_dir, options=options)
    side = SCRATCH[on_gpu] if typical is None else min(SCRATCH[on_gpu], typical)
    side = max(side, _SMALLEST)
    return ImageSizes(
        image_size=tuple(asked or (side, side)),
        backbone_sizes=tuple(sorted(set(sides or BACKBONES[on_gpu]))),
        largest_side=None if typical is None else max(typical, _SMALLEST),
    )
