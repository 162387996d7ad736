"""Import TensorFlow in two thirds of its time: without packages that Keras takes only if there.

Where they are installed, `keras.wrappers` imports scikit-learn, and `keras.visualization`
Matplotlib: 1 of 3.3 s, on two cores. Nothing here uses either through Keras. Who imports this
project into a program of their own may: there nothing is spared, but in processes that Python's
fork server makes, if that was first started here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PACKAGES = ("matplotlib", "sklearn")

_own: list[bool] = []


def mark_own_process() -> None:
    """Note that this process is one of ours alone: its imports may be spared."""
    _own[:] = [True]


@contextmanager
def spared_imports() -> Iterator[None]:
    """Make these packages look absent inside, if this process is ours and has none yet."""
    absent = [name for name in _PACKAGES if _own and name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say so
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
