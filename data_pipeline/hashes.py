"""Three hashes of a picture: of its bytes, of its pixels, of what it looks like."""

import functools
import hashlib

import numpy as np
import xxhash

_SIDE = 32
_FREQUENCIES = 8
# Standard deviation of the small grey picture, of 255, under which noise decides the hash.
_LEAST_CONTRAST = 4.0
# Rows of a cell are alike: of a large picture's, four are enough.
_ROWS = 4 * _SIDE
_BAND = 8
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def content_hash(contents: bytes) -> str:
    """Hex of a file's bytes."""
    return hashlib.sha256(contents).hexdigest()[:32]


def pixel_hash(pixels: np.ndarray) -> str:
    """Hex of upright pixels (uint8 [height, width, 3]) and their shape.

    XXH3 with 128 bits: two pictures will not share it by chance, and nobody gains by making two
    that do. SHA-256 takes a third of the time that a decoder does.
    """
    digest = xxhash.xxh3_128(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def perceptual_hash(pixels: np.ndarray) -> str:
    """64 bits, hex, that resizing and recompression hardly change (pHash; Zauner 2010).

    The signs of the 8×8 lowest frequencies of a 32×32 grey copy, against their median.

    Args:
        pixels: uint8 [height, width, 3], 0–255.

    Returns:
        16 hex digits, or "" for a picture with too little in it to be told from others.
    """
    grey = _small_grey(pixels)
    if grey.std() < _LEAST_CONTRAST:
        return ""
    cosines = _cosines()
    frequencies = (cosines @ grey @ cosines.T).ravel()
    # The first is the mean brightness: no sign of its own, and it would shift the median.
    others = frequencies[1:]
    bits = frequencies > np.partition(others, others.size // 2)[others.size // 2]
    return bytes(np.packbits(bits)).hex()


def _small_grey(pixels: np.ndarray) -> np.ndarray:
    """float32 [32, 32]: the mean brightness of each cell, borders shared to the fraction.

    Whole blocks alone, as Pillow's `reducing_gap` takes them, shift the picture by up to a
    block, and a resized copy by another: one in four then passes for another picture.
    """
    height, width = pixels.shape[:2]
    lines = pixels.reshape(height, -1)[:: max(1, height // _ROWS)]
    shares = _shares(len(lines))
    rows = np.empty((_SIDE, width * 3), np.float32)
    for start in range(0, _SIDE, _BAND):
        stop = start + _BAND
        used = slice(start * len(lines) // _SIDE, -(-stop * len(lines) // _SIDE))
        band = lines[used].astype(np.float32)
        np.matmul(shares[start:stop, used], band, out=rows[start:stop])
    grey = rows.reshape(-1, 3) @ _LUMA
    return grey.reshape(_SIDE, width) @ _shares(width).T


@functools.lru_cache(512)
def _shares(size: int) -> np.ndarray:
    """float32 [32, size]: how much each of `size` pixels adds to the mean of each cell."""
    edges = np.arange(_SIDE + 1) * (size / _SIDE)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, np.newaxis], pixels + 1)
    overlap = overlap - np.maximum(edges[:-1, np.newaxis], pixels)
    return (np.maximum(overlap, 0) * (_SIDE / size)).astype(np.float32)


@functools.cache
def _cosines() -> np.ndarray:
    """float32 [8, 32]: the lowest rows of the discrete cosine transform."""
    frequency = np.arange(_FREQUENCIES)[:, np.newaxis]
    position = np.arange(_SIDE)[np.newaxis]
    cosines = np.cos(np.pi * frequency * (2 * position + 1) / (2 * _SIDE))
    return cosines.astype(np.float32)
