"""Three hashes of a picture: of its bytes, of its pixels, of what it looks like."""

import functools
import hashlib

import numpy as np
from PIL import Image

_SIDE = 32
_FREQUENCIES = 8
# Standard deviation of the small grey picture, of 255, under which noise decides the hash.
_LEAST_CONTRAST = 4.0


def content_hash(contents: bytes) -> str:
    """Hex of a file's bytes."""
    return hashlib.sha256(contents).hexdigest()[:32]


def pixel_hash(pixels: np.ndarray) -> str:
    """Hex of upright pixels (uint8 [height, width, 3]) and their shape."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()[:32]


def perceptual_hash(pixels: np.ndarray) -> str:
    """64 bits, hex, that resizing and recompression hardly change (pHash; Zauner 2010).

    The signs of the 8×8 lowest frequencies of a 32×32 grey copy, against their median.

    Args:
        pixels: uint8 [height, width, 3], 0–255.

    Returns:
        16 hex digits, or "" for a picture with too little in it to be told from others.
    """
    image = Image.fromarray(pixels)
    # Averaging whole blocks first makes this a tenth of the cost of the decoders' work.
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=1.0).convert("L")
    grey = np.asarray(small, np.float64)
    if grey.std() < _LEAST_CONTRAST:
        return ""
    cosines = _cosines()
    frequencies = (cosines @ grey @ cosines.T).ravel()
    # The first is the mean brightness: no sign of its own, and it would shift the median.
    bits = frequencies > np.median(frequencies[1:])
    return bytes(np.packbits(bits)).hex()


@functools.cache
def _cosines() -> np.ndarray:
    """float64 [8, 32]: the lowest rows of the discrete cosine transform."""
    frequency = np.arange(_FREQUENCIES)[:, np.newaxis]
    position = np.arange(_SIDE)[np.newaxis]
    return np.cos(np.pi * frequency * (2 * position + 1) / (2 * _SIDE))
