"""Write and open the `.onnx` file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_pipeline.processes.cores import cores
from search.formats.format import Call, Format, Source, in_batches


def write_onnx(source: Source, path: Path) -> None:
    """Write the file, then open it: the exporter only logs what it cannot convert."""
    import numpy as np
    import onnxruntime

    _teach_erfc()
    fixed = source.fixed()
    fixed(np.zeros((1, *fixed.input_shape[1:]), np.float32))  # the exporter wants a called model
    fixed.export(str(path), format="onnx", verbose=False)
    onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _teach_erfc() -> None:
    """Have the exporter write `Erfc`, which TensorFlow's GELU is made of, as 1 - `Erf`."""
    import numpy as np
    from tf2onnx.handler import tf_op

    @tf_op("Erfc")
    class _Erfc:
        @classmethod
        def version_9(cls, graph: Any, node: Any, **_: Any) -> None:
            node.type = "Erf"
            one = graph.make_const(f"{node.name}_one", np.array(1, np.float32))
            (erf,) = node.output
            graph.insert_new_node_on_output("Sub", erf, inputs=[one.output[0], erf])


def open_onnx(path: Path) -> Call:
    """Load the file by ONNX Runtime, on the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    session: Any = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    (given,) = session.get_inputs()
    return in_batches(lambda images: session.run(None, {given.name: images.astype("float32")})[0])


ONNX = Format(
    name="onnx",
    title="ONNX",
    file="model.onnx",
    write=write_onnx,
    open=open_onnx,
    fixed_size=True,
    packages=("onnx", "onnxruntime", "tf2onnx"),
    extra="onnx",
)
