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

            gpus = tf.config.list_physical_devices("GPU")
            tf.get_logger().setLevel("ERROR")
            # On a CPU the graph optimiser makes no step faster that was measured, and takes a
            # quarter of the time to the first one. Its pass "remapping" fails on residual blocks
            # and prints an error on the user's terminal each time.
            options = {"remapping": False} if gpus else {"disable_meta_optimizer": True}
            tf.config.optimizer.set_experimental_options(options)
        except BaseException:
            said.seek(0)
            os.write(stderr, said.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    return tf
