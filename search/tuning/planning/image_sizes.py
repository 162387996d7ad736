"""Choose the sizes at which images are prepared, where the user left them open."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.listing.data_options import DataOptions
from models.families.backbone import enlarged
from search.process.apart import call_apart
from search.process.progress import ProgressSink
from search.run_folder.config import DATA_OPTIONS
from search.tuning.preparation.prepare_apart import has_many_files

if TYPE_CHECKING:
    from data_pipeline.preparation.typical_shape import TypicalShape

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
    given: Mapping[str, Any],
    data: Path,
    *,
    on_gpu: bool,
    cache_dir: Path,
    progress: ProgressSink,
) -> ImageSizes:
    """Choose the sizes that suit the images and the machine, where none are given.

    With `image_size` given, backbones see images of that size, or enlarge them; images are
    prepared larger only where `backbone_sizes` are given too. No image is prepared larger than
    the images of the data set typically are. Where all of them are long, so are those that models
    see, with as many pixels: squeezed to a square, they would lose detail along their longer side.

    Args:
        given: the user's options; missing ones are open.
        data: the images.
        on_gpu: whether the machine has a GPU.
        cache_dir: where checks are remembered.
        progress: told what is done.

    Raises:
        DataError: no such data.
    """
    from data_pipeline.preparation.typical_shape import TypicalShape, typical_shape

    asked, sides = given.get("image_size"), given.get("backbone_sizes")
    if asked and not sides:
        return ImageSizes(tuple(asked), enlarged(asked), max(asked))
    reading: Any = {name: given.get(name) for name in DATA_OPTIONS}
    options = DataOptions.of(**reading)
    if has_many_files(data, follow_links=options.follow_links):
        found = call_apart(_many_typical, data, cache_dir, options, progress=progress)
    else:
        found = typical_shape(data, cache_dir=cache_dir, options=options)
    typical = found or TypicalShape(SCRATCH[on_gpu])
    size = _shaped(SCRATCH[on_gpu], typical)
    longer = [round(side * (max(size) / min(size)) ** 0.5) for side in BACKBONES[on_gpu]]
    return ImageSizes(
        image_size=tuple(asked or size),
        backbone_sizes=tuple(sorted(set(sides or longer))),
        largest_side=None if found is None else max(found.side, _SMALLEST),
    )


def _many_typical(
    data: Path, cache_dir: Path, options: DataOptions, *, progress: ProgressSink
) -> "TypicalShape | None":
    """The same of many files, which takes a while to list."""
    from data_pipeline.preparation.typical_shape import typical_shape

    with progress.task("looking at the sizes of the images"):
        return typical_shape(data, cache_dir=cache_dir, options=options)


def _shaped(side: int, typical: "TypicalShape") -> tuple[int, int]:
    """(height, width) of that aspect with about as many pixels as a square of that side."""
    length = max(typical.aspect, 1 / typical.aspect)
    longer = max(min(round(side * length**0.5), typical.side), _SMALLEST)
    shorter = max(round(longer / length), _SMALLEST)
    return (shorter, longer) if typical.aspect >= 1 else (longer, shorter)
