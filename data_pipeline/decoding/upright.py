"""Find out what turns an image upright, by its Exif orientation."""

import struct
import zlib

from PIL import Image

# Exif's tag, and what turns an image upright for each of its values; 1 is upright already.
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
LYING = frozenset(_UPRIGHT[value] for value in (5, 6, 7, 8))
"""What turns an image that lies on its side: its height was its width."""

# What Pillow has been seen to raise on broken files: far more than it documents. A bad file
# must never end the program, and a bug elsewhere must not look like a bad file.
BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def orientation(image: Image.Image) -> int:
    """Read the Exif orientation, 1 to 8; 1 where the Exif block is missing or broken."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except BROKEN:
        return 1


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What turns the image upright by its Exif orientation; None where it is upright."""
    return _UPRIGHT.get(orientation(image))
