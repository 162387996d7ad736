"""Decode files to upright RGB pixels: one way for the check, training and prediction."""

import functools
import importlib.util
import io
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from data_pipeline.decoding.deep_grey import deep_grey
from data_pipeline.decoding.file_signatures import what_it_is
from data_pipeline.decoding.upright import BROKEN, LYING, turn_of
from data_pipeline.errors import BadImageError, DataError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
FORMATS_IN_WORDS = "JPEG, PNG, GIF, BMP, WebP, TIFF, PPM, AVIF or JPEG 2000"
TENSORFLOW_READS = {"JPEG", "PNG", "GIF", "BMP", "WEBP"}
"""Formats that TensorFlow knows: what it cannot read of these is no image."""
# Pillow's own limit against decompression bombs: a quarter of a GiB as RGB.
MAX_PIXELS = 89_478_485
MAX_BYTES = 512 * 2**20

# TIFF's tags.
_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706


def read_upright(path: Path) -> np.ndarray:
    """Read an image file and turn it upright.

    Args:
        path: a file of one of `FORMATS`, or HEIC where pillow-heif is installed, whatever its
            name; the first frame or page is taken.

    Returns:
        uint8 [height, width, 3], 0–255, RGB, turned upright by its Exif orientation.

    Raises:
        DataError: the file cannot be read, or is not a whole image in one of these formats.
    """
    try:
        contents, _ = read_bytes(path)
        return decode(contents)[0]
    except BadImageError as error:
        raise DataError(
            f"{path}: {error}; expected a whole {FORMATS_IN_WORDS} image; "
            "leave the file out or save it anew"
        ) from error


def read_bytes(path: Path) -> tuple[bytes, os.stat_result]:
    """Read a regular file once and as a whole, so that both decoders see the same bytes.

    Raises:
        BadImageError: not a regular file, too large, unreadable, or changed while it was read.
    """
    # Without blocking: opening a FIFO would otherwise wait for a writer for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadImageError("not a regular file")
            if status.st_size > MAX_BYTES:
                raise BadImageError(f"too large: {status.st_size} bytes")
            # One byte more than there should be, to notice a file that is still growing.
            contents = file.read(status.st_size + 1)
    except OSError as error:
        raise BadImageError(f"unreadable: {error.strerror}") from error
    if len(contents) != status.st_size:
        raise BadImageError("changed while it was read")
    return contents, status


def decode(contents: bytes) -> tuple[np.ndarray, str]:
    """Decode a whole image and turn it upright.

    Transparent pixels are laid over white, and CMYK is converted without a colour profile, as
    Pillow does it. Grey values of more than 8 bits keep the highest 8 of the bits that the file
    declares (PNG's sBIT, TIFF's MaxSampleValue), else of 16.

    Returns:
        uint8 [height, width, 3], 0–255, RGB; and the format, one of `FORMATS` or "HEIF".

    Raises:
        BadImageError: the reason, as the catalog records it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return decode_warning(contents)


def decode_warning(
    contents: bytes, at_least: tuple[int, int] | None = None
) -> tuple[np.ndarray, str]:
    """Decode as `decode` does, in any number of threads; Pillow may warn.

    Args:
        contents: of the file.
        at_least: (height, width); a JPEG may then come out at 1/2, 1/4 or 1/8 of its size, where
            that is as large, in as much less time. None for all of it.
    """
    if not contents:
        raise BadImageError("empty file")
    try:
        return _load(contents, at_least)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadImageError(f"too many pixels: expected at most {MAX_PIXELS}") from error
    except UnidentifiedImageError as error:
        raise BadImageError(what_it_is(contents)) from error
    except MemoryError as error:
        raise BadImageError("out of memory") from error
    except BROKEN as error:
        if "truncated" in str(error):
            raise BadImageError("truncated") from error
        raise BadImageError(f"Pillow: {_one_line(error)}") from error


def _load(contents: bytes, at_least: tuple[int, int] | None) -> tuple[np.ndarray, str]:
    with Image.open(io.BytesIO(contents), formats=_readable()) as image:
        # Before `load`, which allocates as much memory as the header asks for.
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        if _is_raw(image, contents):
            raise BadImageError("format not supported: camera raw; export it as JPEG or TIFF")
        if at_least is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, at_least if turn_of(image) in LYING else at_least[::-1])
        image.load()
        # A photo from a phone may be a JPEG with more images after the first (MPO).
        format_name = "JPEG" if image.format == "MPO" else str(image.format)
        turn = turn_of(image)  # of some formats not known before
        rgb = _to_rgb(image, contents)
        upright = rgb if turn is None else rgb.transpose(turn)
        return np.asarray(upright), format_name


@functools.cache
def _readable() -> tuple[str, ...]:
    """The formats that Pillow is to try, HEIC among them where its package is installed."""
    if importlib.util.find_spec("pillow_heif") is None:
        return FORMATS
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return (*FORMATS, "HEIF")


def _is_raw(image: Image.Image, contents: bytes) -> bool:
    """Whether a camera wrote it, as a TIFF whose first page is a small preview."""
    if image.format != "TIFF":
        return False
    tags = getattr(image, "tag_v2", {})
    preview = tags.get(_SUBFILE_TYPE, 0) & 1 and _SUB_IFDS in tags
    return bool(contents[8:10] == b"CR" or _DNG_VERSION in tags or preview)


def _to_rgb(image: Image.Image, contents: bytes) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return deep_grey(image, contents)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:120]
