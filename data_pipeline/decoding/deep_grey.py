"""Scale grey values of more than 8 bits by the depth that their file declares."""

import numpy as np
from PIL import Image

from data_pipeline.errors import BadImageError

_LARGEST_VALUE = 281  # TIFF's tag MaxSampleValue


def _depth(image: Image.Image, contents: bytes) -> int:
    """Bits of a grey value that a file declares, 8 to 16; 16 where it does not."""
    bits = 16
    if image.format == "PNG":
        # Before the pixels, which may hold the same bytes.
        place = contents.find(b"sBIT", 0, contents.find(b"IDAT"))
        bits = contents[place + 4] if place >= 0 else bits
    elif image.format == "TIFF":
        largest = getattr(image, "tag_v2", {}).get(_LARGEST_VALUE, 0)
        largest = max(largest) if isinstance(largest, tuple) else largest
        bits = int(largest).bit_length() or bits
    return bits if 8 <= bits <= 16 else 16


def deep_grey(image: Image.Image, contents: bytes) -> Image.Image:
    """Grey values of more than 8 bits as 8. Pillow's own conversion would clip them at 255.

    Raises:
        BadImageError: values beyond 16 bits, or in floating point, whose range nobody declares.
    """
    values = np.asarray(image)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 0xFFFF:
        raise BadImageError("grey values beyond 16 bits: save it with 8 or 16 bits per value")
    shift = _depth(image, contents) - 8
    return Image.fromarray(np.minimum(values >> shift, 255).astype(np.uint8)).convert("RGB")
