"""Load TensorFlow once, in the server process that workers are forked from.

Never import this module elsewhere: it sets its process up for quiet, single-threaded work.
"""

import ctypes
import os
from contextlib import suppress

from data_pipeline.processes.orphans import ignore_orphans
from data_pipeline.processes.spared_imports import mark_own_process, spared_imports

ignore_orphans()
mark_own_process()
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# A thread pool does not survive a fork, and there is only one core per worker.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
# The check decodes on the processor. A server that holds memory of a GPU would take it from
# training.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# TensorFlow writes from C++, to the descriptor itself: replacing sys.stderr would not stop it.
_stderr = os.dup(2)
_silence = os.open(os.devnull, os.O_WRONLY)
os.dup2(_silence, 2)
try:
    with spared_imports():
        import tensorflow as tf
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_silence)

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

# By default glibc returns an image's memory to the system, which fills it with zeros for the
# next image. Keeping it saves a sixth of the time of Pillow's decoder. Blocks of more than
# 64 MiB are still returned.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
with suppress(AttributeError, OSError, TypeError):  # another C library
    _c_library = ctypes.CDLL(None)
    _c_library.mallopt(_M_MMAP_THRESHOLD, 64 * 2**20)
    _c_library.mallopt(_M_TRIM_THRESHOLD, 256 * 2**20)
