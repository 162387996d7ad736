"""Write and open LiteRT's `.tflite` file, in float and in int8."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.processes.cores import cores
from search.formats.format import QUANTISED, Call, Format, Source, in_batches
from search.process.quiet import silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# The last layer: its weights make much of small differences between features, whose steps in int8
# may be larger than they. Of ten hand signs' probabilities 0.25 moved with it in int8, 0.014
# without. The softmax would answer in steps of 1/256, too coarse for a threshold near 1.
IN_FLOAT = ("FULLY_CONNECTED", "SOFTMAX")


def write_litert(source: Source, path: Path) -> None:
    """Write the model in float."""
    import tensorflow as tf

    # No operations of TensorFlow itself: LiteRT's own package does not have them.
    target = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    source.fixed().export(str(path), format="litert", verbose=False, target_spec=target)


def write_int8(source: Source, path: Path) -> None:
    """Write the model in int8, with ranges set by `representative`; in float where int8 cannot be.

    Weights have a scale for each channel and activations one per tensor, measured over the
    images; input, last layer and output stay float32 (Jacob et al. 2018, arXiv 1712.05877).
    """
    import keras
    import tensorflow as tf

    fixed = source.fixed()
    # In batches of one, the only size that the converted model takes.
    batches = source.representative[:, None].astype("float32")
    with tempfile.TemporaryDirectory(prefix="tune-") as folder:
        archive = keras.export.ExportArchive()
        archive.track(fixed)
        one = tf.TensorSpec((1, *fixed.input_shape[1:]), tf.float32)
        call = functools.partial(fixed.__call__, training=False)
        archive.add_endpoint("serve", call, input_signature=[one])
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.experimental_enable_resource_variables = True
        builtins = tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        converter.target_spec.supported_ops = list(builtins)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([batch] for batch in batches)
        # The one public way to leave operations out of what is quantised.
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=converter.representative_dataset,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(
                denylisted_ops=list(IN_FLOAT)
            ),
        )
        path.write_bytes(debugger.get_nondebug_quantized_model())


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
