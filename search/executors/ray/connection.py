"""Connect to a Ray cluster, or start a Ray on this machine; the one place that looks for Ray."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from types import ModuleType

from search.errors import TuneError
from search.executors.ray.address import ClusterAddress

LEAST = (2, 60)
_PIP = "pip install 'image-tune[ray]'"
STORE_BYTES = 256 * 2**20  # of a Ray that is started here: files travel in pieces of 8 MiB

_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # CUDA_VISIBLE_DEVICES of actors without a GPU stays as it is; Ray would warn that it may not.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # A thread that still asks when the search has ended must not start a Ray of its own.
    "RAY_ENABLE_AUTO_CONNECT": "0",
    # Ray prints what happens elsewhere to stdout, which is for results: all lines are left out.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}


def require_ray() -> None:
    """Look for Ray, without importing it.

    Raises:
        TuneError: it is missing, or older than what this was tested with.
    """
    try:
        found = version("ray") if find_spec("ray") else None
    except PackageNotFoundError:
        found = None
    if found is None:
        raise TuneError(
            f"--cluster needs Ray; install: {_PIP} (it has a 'tune' too; 'image-tune' is the same)"
        )
    if tuple(int(part) for part in found.split(".")[:2]) < LEAST:
        least = ".".join(map(str, LEAST))
        raise TuneError(f"--cluster needs Ray {least} or newer, found {found}; install: {_PIP}")


@contextmanager
def connected(address: ClusterAddress) -> Iterator[ModuleType]:
    """Give the module `ray`, connected; what was started here ends with the context.

    Raises:
        TuneError: nothing answers at the address.
    """
    require_ray()
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():  # a program that uses Ray for something else: its connection stays
        yield ray
        return
    options = {"namespace": "tune", "log_to_driver": False, "logging_level": logging.ERROR}
    if address.slots:
        options |= {
            "num_cpus": address.slots,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
    # Ray takes SIGTERM for itself when it starts a node. It is the search's, which ends cleanly.
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address.of_ray, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise TuneError(_no_answer(address, error)) from error
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
    try:
        yield ray
    finally:
        ray.shutdown()


def _no_answer(address: ClusterAddress, error: Exception) -> str:
    why = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if address.slots:
        return f"Ray could not be started on this machine: {why}"
    hint = (
        "start it with 'ray start --head' on one machine and 'ray start --address=HOST:6379' on "
        "the others; where it asks for a token, set RAY_AUTH_MODE=token"
    )
    return f"--cluster {address.text}: no Ray cluster answers ({why}); {hint}"
