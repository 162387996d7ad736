"""Work in a forked process, which may be killed."""

import gc
import os


def in_a_child(work):
    """Run in a forked process; its wait status.

    Without garbage collection: what other tests left of TensorFlow waits, when it is destroyed,
    for threads that a fork does not take along.
    """
    gc.disable()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    gc.enable()
    return os.waitpid(child, 0)[1]
