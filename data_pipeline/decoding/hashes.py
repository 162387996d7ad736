"""Hash an image: the bytes of its file, and its pixels."""

import hashlib

import numpy as np
import xxhash


def content_hash(contents: bytes) -> str:
    """Hash the bytes of a file: 32 hex digits of SHA-256."""
    return hashlib.sha256(contents).hexdigest()[:32]


def pixel_hash(pixels: np.ndarray) -> str:
    """Hash upright pixels (uint8 [height, width, 3]) and their shape: 32 hex digits.

    XXH3 with 128 bits: two images will not have the same by chance, and nobody gains from
    making two that have. SHA-256 would take a third of the time that decoding takes.
    """
    digest = xxhash.xxh3_128(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
