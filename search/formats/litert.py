"""Write and open LiteRT's `.tflite` file, in float and in int8."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.processes.cores import cores
from search.formats.format import QUANTISED, Call, Format, Source, in_batches
from search.process.quiet import silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_litert(source: Source, path: Path) -> None:
    """Write the model in float."""
    _convert(source, path, representative=None)


def write_int8(source: Source, path: Path) -> None:
    """Write the model in int8, with ranges set by `representative`; in float where int8 cannot be.

    Weights have a scale for each channel and activations one per tensor, measured over the
    images; input and output stay float32 (Jacob et al. 2018, arXiv 1712.05877).
    """
    _convert(source, path, representative=source.representative)


def _convert(source: Source, path: Path, *, representative: NDArray[np.uint8] | None) -> None:
    import tensorflow as tf

    # No operations of TensorFlow itself: LiteRT's own package does not have them.
    operations, options = [tf.lite.OpsSet.TFLITE_BUILTINS], {}
    if representative is not None:
        operations.insert(0, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        # In batches of one, the only size that the converted model takes.
        batches = representative[:, None].astype("float32")
        options = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([batch] for batch in batches),
        }
    target = {"supported_ops": operations}
    source.fixed().export(str(path), format="litert", verbose=False, target_spec=target, **options)


def open_litert(path: Path) -> Call:
    """Load the file by LiteRT's own package, or by TensorFlow where that is not installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow as tf

        Interpreter = tf.lite.Interpreter  # noqa: N806

    with silent():  # it says which kernels it chose
        interpreter = Interpreter(str(path), num_threads=cores())
        interpreter.allocate_tensors()
    (given,), (answers,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(images: NDArray[np.uint8]) -> Any:
        interpreter.set_tensor(given["index"], images.astype("float32"))
        interpreter.invoke()
        return interpreter.get_tensor(answers["index"])

    # Its tensors are allocated for one image, the size at which it was converted.
    return in_batches(answer, size=1)


LITERT = Format(
    name="litert",
    title="LiteRT",
    file="model.tflite",
    write=write_litert,
    open=open_litert,
    fixed_size=True,
)
INT8 = Format(
    name="litert-int8",
    title="LiteRT in int8",
    file="model-int8.tflite",
    write=write_int8,
    open=open_litert,
    fixed_size=True,
    tolerance=QUANTISED,
    option="--int8",
    help="Write model-int8.tflite, LiteRT in int8: a quarter of the size.",
)
