"""The forms in which a trained model is written: Keras, SavedModel, LiteRT and ONNX files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.process.printable import printable
from search.process.quiet import silent

FORMATS = ("keras", "saved_model", "litert", "onnx")
INT8 = "litert-int8"  # written beside "litert" where it is asked for
FILES = {
    "keras": "model.keras",
    "saved_model": "saved_model",
    "litert": "model.tflite",
    INT8: "model-int8.tflite",
    "onnx": "model.onnx",
}


def check_formats(formats: tuple[str, ...]) -> None:
    """Look for what a format needs before minutes are spent on training.

    Raises:
        TuneError: a package is missing.
    """
    from importlib.util import find_spec

    needed = ("onnx", "onnxruntime", "tf2onnx") if "onnx" in formats else ()
    missing = [name for name in needed if not find_spec(name)]
    if missing:
        raise TuneError(
            f"--format onnx needs {' and '.join(missing)}; "
            "install with: pip install 'image-tune[onnx]'"
        )


def write_format(
    model: Any,
    finished: Any,
    name: str,
    folder: Path,
    *,
    image_size: tuple[int, int],
    num_classes: int,
    representative: NDArray[np.uint8] | None = None,
) -> Path:
    """Write one file or folder of `FILES`.

    Keras and SavedModel take images of any size, the others of `image_size`; all take
    float32 pixels 0-255 and give float32 [n, num_classes], the int8 file too.

    Args:
        model: Prepared pixels [b, height, width, 3] 0-255 -> probabilities [b, 1] or [b, k].
        finished: `models.serving.with_preprocessing` of it.
        name: A key of `FILES`.
        folder: Where to write; it exists.
        image_size: (height, width) in pixels.
        num_classes: Two or more.
        representative: uint8 [n, height, width, 3], prepared pixels by which the ranges of
            int8 numbers are set: a hundred or more that were trained on, of all classes. Those of
            one class alone cut off the answers for the others.

    Raises:
        TuneError: the model cannot be written in this form.
    """
    path = folder / FILES[name]
    with silent():
        if name == "keras":
            _save(finished, path)
        elif name == "saved_model":
            finished.export(str(path), format="tf_saved_model", verbose=False)
        else:
            from models.serving import with_fixed_size

            fixed = with_fixed_size(model, image_size=image_size, num_classes=num_classes)
            _convert(fixed, name, path, representative)
    return path


def _save(finished: Any, path: Path) -> None:
    """Save under another name first: a model that is being replaced stays whole until then."""
    partial = path.with_name(".partial.keras")
    finished.save(partial)
    partial.replace(path)


def _convert(fixed: Any, name: str, path: Path, representative: NDArray[np.uint8] | None) -> None:
    if name == INT8 and (representative is None or not len(representative)):
        raise ValueError("int8 ranges are set by images; give `representative`")
    try:
        if name == "onnx":
            _write_onnx(fixed, path)
        else:
            _write_litert(fixed, path, representative if name == INT8 else None)
    except Exception as error:
        # Converters raise anything, and one that fails late may leave half a file.
        path.unlink(missing_ok=True)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TuneError(
            f"{printable(path)}: this model cannot be written as {name} "
            f"({printable(reason[:120])}); export without it, --format keras and saved_model can "
            "always be written"
        ) from error


def _write_litert(fixed: Any, path: Path, representative: NDArray[np.uint8] | None) -> None:
    """Float, or int8 by the ranges that `representative` sets and float where int8 cannot be.

    Weights have a scale for each channel and activations one a tensor, measured over the
    images; input and output stay float32 (Jacob et al. 2018, arXiv 1712.05877).
    """
    import tensorflow as tf

    # No operations of TensorFlow itself: LiteRT's own package does not have them.
    operations, options = [tf.lite.OpsSet.TFLITE_BUILTINS], {}
    if representative is not None:
        operations.insert(0, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        batches = representative[:, None].astype(np.float32)
        options = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([batch] for batch in batches),
        }
    target = {"supported_ops": operations}
    fixed.export(str(path), format="litert", verbose=False, target_spec=target, **options)


def _write_onnx(fixed: Any, path: Path) -> None:
    """Write and open it: the exporter only logs what it cannot convert, and writes it anyway."""
    import onnxruntime

    fixed(np.zeros((1, *fixed.input_shape[1:]), np.float32))  # the exporter wants a called model
    fixed.export(str(path), format="onnx", verbose=False)
    onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
