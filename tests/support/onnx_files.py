"""An ONNX file that is made without TensorFlow."""

import pytest


def write_means(path, size=(6, 4)):
    """Write a model of images of one size and three classes, by the mean of each channel."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    make = onnx.helper
    number = onnx.TensorProto.FLOAT
    nodes = [
        make.make_node("ReduceMean", ["images", "axes"], ["means"], keepdims=0),
        make.make_node("Div", ["means", "hundred"], ["scaled"]),
        make.make_node("Softmax", ["scaled"], ["probabilities"]),
    ]
    graph = make.make_graph(
        nodes,
        "means",
        [make.make_tensor_value_info("images", number, [None, *size, 3])],
        [make.make_tensor_value_info("probabilities", number, [None, 3])],
        [
            make.make_tensor("axes", onnx.TensorProto.INT64, [2], [1, 2]),
            make.make_tensor("hundred", number, [], [100.0]),
        ],
    )
    opset = make.make_opsetid("", 18)
    onnx.save(make.make_model(graph, opset_imports=[opset], ir_version=10), path)
    return path
