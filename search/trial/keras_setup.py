"""How Keras and TensorFlow are set up before anything is trained."""

import random

import numpy as np

from data_pipeline.processes.cores import own_cores, share_with
from search.process.machine.hardware import detect
from search.process.quiet import import_tensorflow
from search.run_folder.config import RunConfig


def set_up_training(config: RunConfig) -> None:
    """Set dtype policy and determinism for models built from now on."""
    import keras
    import tensorflow as tf

    keras.config.set_dtype_policy(config.precision)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
        tf.random.set_seed(config.seed)  # what draws by it without one is refused from now on


def configuration_seed(seed: int, configuration: str, repeat: int = 0) -> int:
    """The seed of one configuration: the same on every rung, another for each configuration.

    Args:
        seed: of the run.
        configuration: its id, a number.
        repeat: 0 in the search; from 1 on, of further trainings of the same values.
    """
    entropy = [seed, int(configuration), *([repeat] if repeat else [])]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def seed_weights(seed: int) -> None:
    """Set what the next model draws its initial weights and the seeds of its dropout from.

    Keras draws both from Python's generator. `keras.utils.set_random_seed` sets TensorFlow's
    too, which forgets all kernels: the next training step then takes 0.3 s more.
    """
    random.seed(seed)
    np.random.seed(seed)  # for layers of others


def prepare_to_train(config: RunConfig) -> None:
    """Look at the devices and set what a run trains with, outside of any search.

    Without TensorFloat-32, whose 10 bits differ from what a processor answers by more than the
    check of exported files allows.
    """
    detect()
    set_up_training(config)
    import_tensorflow().config.experimental.enable_tensor_float_32_execution(False)


def share_cores(workers: int) -> None:
    """Give this process its share of the cores; before TensorFlow runs anything."""
    import tensorflow as tf

    share_with(workers)
    if workers > 1:
        tf.config.threading.set_intra_op_parallelism_threads(own_cores())
