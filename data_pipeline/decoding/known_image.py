"""Decode an image again whose pixels were hashed when its file was checked."""

import io

import numpy as np
from PIL import Image

from data_pipeline.decoding.decode import MAX_PIXELS, decode_warning
from data_pipeline.decoding.hashes import pixel_hash
from data_pipeline.decoding.upright import BROKEN, turn_of
from data_pipeline.errors import BadImageError

_JPEG = b"\xff\xd8\xff"


def decode_known(contents: bytes, expected: str) -> np.ndarray:
    """Decode as `decode_warning` does, in any number of threads; Pillow may warn.

    Pillow holds Python's lock while it decodes: more threads decode no more. TensorFlow does not,
    and decodes nearly every JPEG to the same pixels; the hash says whether it did.

    Args:
        contents: of the file.
        expected: the hash of its pixels; "" where it is not known, and nothing is compared.

    Returns:
        uint8 [height, width, 3], 0–255, RGB, upright.

    Raises:
        BadImageError: it cannot be decoded, or is another image.
    """
    if expected and contents.startswith(_JPEG):
        pixels = _by_tensorflow(contents)
        if pixels is not None and pixel_hash(pixels) == expected:
            return pixels
    pixels, _ = decode_warning(contents)
    if expected and pixel_hash(pixels) != expected:
        raise BadImageError("is another image by now")
    return pixels


def _by_tensorflow(contents: bytes) -> np.ndarray | None:
    """The upright pixels of a JPEG, or None where TensorFlow would not have those of Pillow."""
    import tensorflow as tf

    try:
        # Before decoding, which allocates as much memory as the header asks for.
        with Image.open(io.BytesIO(contents), formats=("JPEG",)) as image:
            if image.mode not in ("RGB", "L") or image.width * image.height > MAX_PIXELS:
                return None
            turn = turn_of(image)
        pixels = tf.raw_ops.DecodeJpeg(
            contents=contents, channels=3, dct_method="INTEGER_ACCURATE", fancy_upscaling=True
        ).numpy()
    except (*BROKEN, Image.DecompressionBombError, tf.errors.OpError):
        return None  # Pillow says what is wrong
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))
