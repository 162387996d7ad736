"""Exported files, each answered by its own runtime.

`python -m search.formats.runtimes FORMAT FILE PICTURES.npy OUT.npz --repeats N` measures one, in
a process that imports NumPy and the one runtime: its memory is what a program with that file
takes. `search.formats.measuring` starts it.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.process.hardware import cores
from search.process.quiet import silent

Call = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Images uint8 [n, height, width, 3] -> probabilities float32 [n, classes]."""

BATCH = 32  # images answered together
WARM_UP = 3  # calls: the first ones trace, allocate and fill caches
TIMED_SECONDS = 5.0  # no further call is timed after that


class Latency(NamedTuple):
    """Seconds a call."""

    median: float
    p95: float


def open_keras(path: Path) -> Call:
    """A .keras file, by Keras."""
    import keras

    return _in_batches(keras.models.load_model(path, compile=False).predict_on_batch)


def open_saved_model(path: Path) -> Call:
    """A SavedModel folder: the signature by which TensorFlow Serving answers."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    (name,) = loaded.signatures["serving_default"].structured_input_signature[1]

    def answer(images: NDArray[np.uint8]) -> Any:
        given = {name: tf.constant(images, tf.float32)}
        # By way of `loaded`: a signature alone does not keep its weights alive.
        (answers,) = loaded.signatures["serving_default"](**given).values()
        return answers

    return _in_batches(answer)


def open_litert(path: Path) -> Call:
    """A .tflite file, by LiteRT's own package, or by TensorFlow where that is not installed."""
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
        interpreter.set_tensor(given["index"], images.astype(np.float32))
        interpreter.invoke()
        return interpreter.get_tensor(answers["index"])

    return _in_batches(answer, size=1)


def open_onnx(path: Path) -> Call:
    """An .onnx file, by ONNX Runtime on the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return _in_batches(lambda images: session.run(None, {given.name: images.astype(np.float32)})[0])


RUNTIMES = {
    "keras": open_keras,
    "saved_model": open_saved_model,
    "litert": open_litert,
    "litert-int8": open_litert,
    "onnx": open_onnx,
}


def _in_batches(answer: Callable[[NDArray[np.uint8]], Any], size: int = BATCH) -> Call:
    def call(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        starts = range(0, len(images), size)
        return np.concatenate(
            [np.asarray(answer(images[i : i + size]), np.float32) for i in starts]
        )

    return call


def latency(
    call: Callable[[Any], Any],
    image: NDArray[np.uint8],
    *,
    repeats: int = 50,
    seconds: float = TIMED_SECONDS,
) -> Latency:
    """Time calls with one image, after some that are not timed.

    Args:
        call: Takes a batch of images.
        image: uint8 [height, width, 3].
        repeats: Calls to time at most; there is at least one.
        seconds: After so many no further call is begun.
    """
    batch = image[None]
    for _ in range(WARM_UP):
        call(batch)
    taken: list[float] = []
    begun = time.perf_counter()
    while not taken or (len(taken) < repeats and time.perf_counter() - begun < seconds):
        started = time.perf_counter()
        call(batch)
        taken.append(time.perf_counter() - started)
    return Latency(float(np.median(taken)), float(np.percentile(taken, 95)))


def _peak_memory() -> int:
    """Bytes that were resident at most in this process.

    Not `ru_maxrss` where the system tells better: on Linux a process begins with that of the
    one that started it, here a driver with TensorFlow in it.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Measure one file, and write what was found as an .npz file."""
    parser = argparse.ArgumentParser(prog="python -m search.formats.runtimes")
    parser.add_argument("format", choices=RUNTIMES)
    for name in ("file", "pictures", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--repeats", type=int, default=50, help="calls to time at most")
    asked = parser.parse_args()
    started = time.perf_counter()
    call = RUNTIMES[asked.format](asked.file)
    load_seconds = time.perf_counter() - started
    # Mapped, and one image before the batches: the peak is that of answering one at a time.
    images = np.load(asked.images, mmap_mode="r", allow_pickle=False)
    timed = latency(call, np.array(images[0]), repeats=asked.repeats)
    peak_memory = _peak_memory()
    np.savez(
        asked.out,
        probabilities=call(images),
        latency=timed,
        peak_memory=peak_memory,
        load_seconds=load_seconds,
    )


if __name__ == "__main__":
    main()
