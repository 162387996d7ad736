"""Write and open TensorFlow's SavedModel, a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.formats.format import Call, Format, Source, in_batches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_saved_model(source: Source, path: Path) -> None:
    """Write the model as a folder that TensorFlow Serving can load."""
    source.finished.export(str(path), format="tf_saved_model", verbose=False)


def open_saved_model(path: Path) -> Call:
    """Load the signature by which TensorFlow Serving answers."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    (name,) = loaded.signatures["serving_default"].structured_input_signature[1]

    def answer(images: NDArray[np.uint8]) -> Any:
        inputs = {name: tf.constant(images, tf.float32)}
        # By way of `loaded`: a signature alone does not keep its weights alive.
        (answers,) = loaded.signatures["serving_default"](**inputs).values()
        return answers

    return in_batches(answer)


SAVED_MODEL = Format(
    name="saved_model",
    title="SavedModel",
    file="saved_model",
    write=write_saved_model,
    open=open_saved_model,
    fixed_size=False,
)
