"""Keep the log output of libraries off the terminal, also what C++ code prints."""

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from data_pipeline.processes.spared_imports import spared_imports
from search.process.machine.pace import note_import


def import_tensorflow() -> Any:
    """Import TensorFlow; what it prints while doing so is shown only if the import fails.

    Its C++ code writes some lines before any log level applies, straight to file descriptor 2.
    """
    # Errors of the graph optimiser are not errors of the user: Python raises what matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    known = "tensorflow" in sys.modules
    cpu, wall = time.process_time(), time.monotonic()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        try:
            with spared_imports():
                import tensorflow as tf

            if not known:
                note_import(time.process_time() - cpu, time.monotonic() - wall)

            gpus = tf.config.list_physical_devices("GPU")
            tf.get_logger().setLevel("ERROR")
            # On a CPU the graph optimiser makes no step faster that was measured, and takes a
            # quarter of the time to the first one. Its pass "remapping" fails on residual blocks
            # and prints an error on the user's terminal each time.
            options = {"remapping": False} if gpus else {"disable_meta_optimizer": True}
            tf.config.optimizer.set_experimental_options(options)
        except BaseException:
            output.seek(0)
            os.write(stderr, output.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    return tf


@contextmanager
def silent() -> Iterator[None]:
    """Drop all output and warnings of this process inside; exceptions pass.

    Converters and LiteRT print from C++, past Python's streams.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    try:
        with tempfile.TemporaryFile() as dropped, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for descriptor in kept:
                os.dup2(dropped.fileno(), descriptor)
            yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, copy in kept.items():
            os.dup2(copy, descriptor)
            os.close(copy)


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Silence Optuna inside: its notes and warnings are about studies that it runs itself."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
