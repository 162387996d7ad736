"""Import TensorFlow without its start-up messages, which nobody who searches wants to read."""

import os
import tempfile
from typing import Any


def import_tensorflow() -> Any:
    """Import TensorFlow; what it prints while doing so is shown only if the import fails.

    Its C++ code writes some lines before any log level applies, straight to file descriptor 2.
    """
    # Errors of the graph optimiser are not errors of the user: Python raises what matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
            tf.get_logger().setLevel("ERROR")
            # This pass fails on residual blocks, prints an error on the user's terminal each
            # time, and made no difference to speed that could be measured.
            tf.config.optimizer.set_experimental_options({"remapping": False})
        except BaseException:
            said.seek(0)
            os.write(stderr, said.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    return tf
