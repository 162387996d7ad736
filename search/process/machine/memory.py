"""Measure memory, and free the graphs that TensorFlow would keep after each trial."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def machine_memory() -> int:
    """Bytes of memory of the machine, or of the container that this runs in if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return total
    return min(total, limit)


def forget_kernels() -> None:
    """Let go of the kernels that TensorFlow keeps of all that ran, and of the names of layers.

    Kernels of a training step that runs again are made again: 0.3 s.
    """
    import keras

    keras.backend.clear_session(free_memory=False)


@contextmanager
def released_graphs(*, kernels: bool = True) -> Iterator[None]:
    """Let go of all that is traced inside, once it is left.

    TensorFlow registers each custom gradient that it traces under a name of its own, for ever,
    and with it the whole graph: 22 MB for each small model that was trained.

    Args:
        kernels: whether kernels go too (`forget_kernels`).
    """
    from tensorflow.python.framework import ops

    # Private, since TensorFlow has no public way to remove a gradient.
    registry = ops.gradient_registry._registry
    before = set(registry)
    try:
        yield
    finally:
        traced = [name for name in set(registry) - before if name.startswith("CustomGradient-")]
        for name in traced:
            del registry[name]
        if kernels:
            forget_kernels()
        if traced:  # a collection takes longer than some trials that trace nothing new
            gc.collect()
