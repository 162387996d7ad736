"""What benchmarks run in worker processes, which do not import the main module."""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
from attack.broken_images import BOTH_READ, FORMATS
from PIL import Image

SIZE = (32, 32)
PIXELS = 89_478_485


def decode_with_both(path: str) -> dict[str, str]:
    """What each decoder says of a file: "" where it reads it."""
    contents = Path(path).read_bytes()
    known, said = _pillow(contents)
    return {"pillow": said, "tensorflow": _tensorflow(contents) if known else ""}


def _pillow(contents: bytes) -> tuple[bool, str]:
    """Whether TensorFlow has to read the format too, and what Pillow says."""
    name = ""
    try:
        with Image.open(io.BytesIO(contents), formats=FORMATS) as image:
            name = "JPEG" if image.format == "MPO" else str(image.format)
            if image.width * image.height > PIXELS:
                return name in BOTH_READ, "too many pixels"
            image.load()
            image.convert("RGB")
    except Exception as error:  # noqa: BLE001 - whatever it raises, it does not read the file
        return name in BOTH_READ, f"{type(error).__name__}: {error}"[:100]
    return name in BOTH_READ, ""


def _tensorflow(contents: bytes) -> str:
    import tensorflow as tf

    try:
        tf.io.decode_image(contents, channels=3, expand_animations=False)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"[:100]
    return ""


def prepared_again(path: str) -> np.ndarray:
    """A file's row by Pillow and TensorFlow's own resize, not rounded."""
    import tensorflow as tf

    from data_pipeline.decoding.decode import read_upright

    small = tf.image.resize(read_upright(Path(path)), SIZE, antialias=True)
    return small.numpy()


def decode_alone(path):
    """Decode a file with both decoders, and do nothing else."""
    import tensorflow as tf

    contents = path.read_bytes()
    with suppress(Exception):
        with Image.open(io.BytesIO(contents)) as image:
            np.asarray(image.convert("RGB"))
        tf.io.decode_image(contents, channels=3, expand_animations=False)


def wait_for_workers(path):
    """Decode a file with TensorFlow, so that it is loaded."""
    import tensorflow as tf

    with suppress(Exception):
        tf.io.decode_image(path.read_bytes())
