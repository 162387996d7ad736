"""Draw a heat map as an image to lay over its photo."""

import functools
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 288  # pixels of the longer side; a heat map has a dozen values there
_COLOURS = "inferno"  # from dark to light, so that it can be read in grey too
_COLDEST = 0.25  # start of the colours used: darker ones only hide the photo
_OPAQUE = 210  # of 255, where it is hottest: the photo shall be seen through it
_STEEPNESS = 1.3  # of the opacity: above 1, medium heat hides less of the photo


def heat_layer(
    heat: NDArray[np.float32],
    *,
    size: tuple[int, int],
    crop_to_aspect_ratio: bool,
    image_size: tuple[int, int] | None = None,
) -> bytes:
    """Draw a small PNG with the proportions of the photo; cold parts are transparent.

    Args:
        heat: float32 [rows, columns], 0–1, over what the model saw.
        size: (height, width) of the upright photo, in pixels.
        crop_to_aspect_ratio: whether the model saw its middle only, instead of all of it squeezed.
        image_size: (height, width) that the model takes, in whose shape the middle was cut out;
            None for the shape of `heat`.
    """
    scale = min(1.0, SIDE / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    middle = _middle((height, width), image_size or heat.shape) if crop_to_aspect_ratio else None
    top, left, rows, columns = middle or (0, 0, height, width)
    stretched = Image.fromarray(heat.astype(np.float32)).resize(
        (columns, rows), Image.Resampling.BILINEAR
    )
    levels = np.zeros((height, width), np.uint8)
    levels[top : top + rows, left : left + columns] = np.rint(np.asarray(stretched) * 255)
    # Colour and transparency both follow from the level: a palette, in a quarter of the bytes.
    image = Image.fromarray(levels)
    colours, opacities = _palette()
    image.putpalette(colours)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=opacities, optimize=True)
    return buffer.getvalue()


def _middle(size: tuple[int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the largest middle part of `size` shaped as `shape`."""
    height, width = size
    rows = max(1, min(height, round(width * shape[0] / shape[1])))
    columns = max(1, min(width, round(height * shape[1] / shape[0])))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


@functools.cache
def _palette() -> tuple[bytes, bytes]:
    """Return the colours (RGB) and opacities of the levels 0 to 255."""
    from matplotlib import colormaps

    colours = colormaps[_COLOURS](np.linspace(_COLDEST, 1, 256), bytes=True)[:, :3]
    opacities = _OPAQUE * np.linspace(0, 1, 256) ** _STEEPNESS
    return colours.tobytes(), opacities.astype(np.uint8).tobytes()
