"""Decide whether a GPU makes its own batches, and whether it holds the images of a run."""

import functools

import numpy as np

from data_pipeline.pixels.device_feed import DeviceFeed, bytes_of
from search.process.machine.gpus import visible_gpus
from search.process.quiet import import_tensorflow
from search.trial.experiment import Experiment

SHARE = 0.25  # of the GPU's memory that images of all sizes may take; the rest is for training


def device_feed(experiment: Experiment, *, held: int = 0) -> DeviceFeed | None:
    """The images of a run for the GPU of this process; None where TensorFlow sees none.

    Args:
        experiment: the run, with the images of one size.
        held: bytes of the images of other sizes that lie there.
    """
    device = gpu()
    if device is None:
        return None
    wanted = held + bytes_of(experiment.pixels, experiment.num_classes)
    array = isinstance(experiment.pixels, np.ndarray)  # not images that are decoded as needed
    fits = array and wanted <= SHARE * (held + free_memory(device))
    if fits and (feed := _feed(experiment, device, resident=True)):
        return feed
    return _feed(experiment, device, resident=False)


def _feed(experiment: Experiment, device: str, *, resident: bool) -> DeviceFeed | None:
    """The feed; None where other processes have taken the memory meanwhile."""
    errors = import_tensorflow().errors
    try:
        return DeviceFeed(
            experiment.pixels,
            experiment.targets,
            num_classes=experiment.num_classes,
            device=device,
            resident=resident,
        )
    except (errors.ResourceExhaustedError, errors.InternalError):
        if not resident:
            raise
        return None


def gpu() -> str | None:
    """TensorFlow's name of the GPU that this process trains on; None without one."""
    gpus = import_tensorflow().config.list_logical_devices("GPU")
    return gpus[0].name if gpus else None


def free_memory(device: str) -> int:
    """Bytes of the GPU of this process that it may still use; 0 where that is not known.

    TensorFlow gives none back: what it has taken and does not use counts as free.
    """
    used = import_tensorflow().config.experimental.get_memory_info(device)["current"]
    return max(0, _free_at_first() - int(used))


@functools.cache
def _free_at_first() -> int:
    return next((gpu.free for gpu in visible_gpus()), 0)
