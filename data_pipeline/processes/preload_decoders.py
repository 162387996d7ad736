"""Imported once by the server that workers are forked from, so that each starts with TensorFlow.

Never import it elsewhere: it sets the process up for quiet, single-threaded work.
"""

import ctypes
import os
from contextlib import suppress

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# A thread pool does not survive a fork, and one core a worker is all there is.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
# The check decodes on the processor; a server that holds a GPU would keep it from training.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

_stderr = os.dup(2)
_silence = os.open(os.devnull, os.O_WRONLY)
os.dup2(_silence, 2)
try:
    import tensorflow as tf
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_silence)

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

# An image's memory goes back to the system and is zeroed for the next one, unless glibc is told
# to keep it: a sixth of the time of Pillow's decoder. What is over 64 MiB still goes back.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
with suppress(AttributeError, OSError, TypeError):  # another C library
    _c_library = ctypes.CDLL(None)
    _c_library.mallopt(_M_MMAP_THRESHOLD, 64 * 2**20)
    _c_library.mallopt(_M_TRIM_THRESHOLD, 256 * 2**20)
