"""Check a file with TensorFlow's decoder, which refuses some files that Pillow reads."""

import re

from data_pipeline.errors import BadImageError


def require_decodable(contents: bytes) -> None:
    """Decode the first image in `contents` with TensorFlow and throw the pixels away.

    Call it only after the header was read and its size found acceptable: TensorFlow allocates
    as much memory as a header asks for.

    Raises:
        BadImageError: TensorFlow cannot decode it, with its reason.
    """
    import tensorflow as tf

    try:
        # The op that tf.io.decode_image calls, without the Python code around it.
        tf.raw_ops.DecodeImage(contents=contents, channels=3, expand_animations=False)
    except tf.errors.ResourceExhaustedError as error:
        raise BadImageError("out of memory") from error
    except tf.errors.OpError as error:
        raise BadImageError(f"TensorFlow: {_in_short(error.message)}") from error


def _in_short(message: str) -> str:
    without_node = re.sub(r"\{\{.*?\}\}", "", message)
    return without_node.split(" [Op:")[0].strip().split("\n")[0][:120]
