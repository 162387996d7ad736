"""Draw a heat map as an image to lay over its photo."""

import functools
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_pipeline.pixels.resize_mode import ResizeMode

SIDE = 288  # pixels of the longer side; a heat map has a dozen values there
_COLOURS = "inferno"  # from dark to light, so that it can be read in grey too
_COLDEST = 0.25  # start of the colours used: darker ones only hide the photo
_BILINEAR = Image.Resampling.BILINEAR
_OPAQUE = 210  # of 255, where it is hottest: the photo shall be seen through it
_STEEPNESS = 1.3  # of the opacity: above 1, medium heat hides less of the photo


def heat_layer(
    heat: NDArray[np.float32],
    *,
    size: tuple[int, int],
    resize_mode: ResizeMode,
    image_size: tuple[int, int] | None = None,
) -> bytes:
    """Draw a small PNG with the proportions of the photo; cold parts are transparent.

    Args:
        heat: float32 [rows, columns], 0–1, over what the model saw.
        size: (height, width) of the upright photo, in pixels.
        resize_mode: how the photo was made to fit.
        image_size: (height, width) that the model takes, in whose shape the middle was cut out;
            None for the shape of `heat`.
    """
    scale = min(1.0, SIDE / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    seen = _seen((height, width), image_size or heat.shape, resize_mode)
    stretched = Image.fromarray(heat.astype(np.float32)).resize(seen[::-1], _BILINEAR)
    levels = Image.fromarray(np.rint(np.asarray(stretched) * 255).astype(np.uint8))
    # Colour and transparency both follow from the level: a palette, in a quarter of the bytes.
    image = Image.new("L", (width, height))
    image.paste(levels, ((width - seen[1]) // 2, (height - seen[0]) // 2))
    colours, opacities = _palette()
    image.putpalette(colours)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=opacities, optimize=True)
    return buffer.getvalue()


def _seen(size: tuple[int, int], shape: tuple[int, ...], mode: ResizeMode) -> tuple[int, int]:
    """Return (height, width) of what the model saw: the photo, its middle, or it with its bars."""
    if mode == "squeeze":
        return size
    rows, columns = round(size[1] * shape[0] / shape[1]), round(size[0] * shape[1] / shape[0])
    if mode == "pad":
        return max(size[0], rows), max(size[1], columns)
    return max(1, min(size[0], rows)), max(1, min(size[1], columns))


@functools.cache
def _palette() -> tuple[bytes, bytes]:
    """Return the colours (RGB) and opacities of the levels 0 to 255."""
    from matplotlib import colormaps

    colours = colormaps[_COLOURS](np.linspace(_COLDEST, 1, 256), bytes=True)[:, :3]
    opacities = _OPAQUE * np.linspace(0, 1, 256) ** _STEEPNESS
    return colours.tobytes(), opacities.astype(np.uint8).tobytes()
