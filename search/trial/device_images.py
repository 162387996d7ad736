"""Decide whether a GPU makes its own batches, and whether it holds the images of a run."""

from data_pipeline.pixels.device_feed import DeviceFeed
from search.process.gpus import visible_gpus
from search.process.quiet import import_tensorflow
from search.trial.experiment import Experiment

SHARE = 0.25  # of the GPU's free memory that the images may take; the rest is for training


def device_feed(experiment: Experiment) -> DeviceFeed | None:
    """The images of a run for the GPU of this process; None where TensorFlow sees none."""
    device = gpu()
    if device is None:
        return None
    return DeviceFeed(
        experiment.pixels,
        experiment.targets,
        num_classes=experiment.num_classes,
        device=device,
        resident=experiment.pixels.nbytes <= SHARE * free_memory(),
    )


def gpu() -> str | None:
    """TensorFlow's name of the GPU that this process trains on; None without one."""
    gpus = import_tensorflow().config.list_logical_devices("GPU")
    return gpus[0].name if gpus else None


def free_memory() -> int:
    """Bytes of the GPU of this process that nobody uses; 0 where that is not known."""
    return next((gpu.free for gpu in visible_gpus()), 0)
