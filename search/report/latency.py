"""Measure the seconds per image of each architecture of a search, and keep them.

Speed does not depend on what the weights are: a model of the same shape is built with new ones
and called as `tune predict` calls it. The best come first and there is a limit of time; what was
measured stays in the run's folder, and the next report goes on from there.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from models.space import architecture_key
from search.process.atomic_files import read_json, write_json
from search.process.machine.hardware import machine_name
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.paths import RunFolder
from search.run_folder.records import Values
from search.run_folder.schema import from_json, to_json
from search.trial.experiment import Experiment

_TIMED_SECONDS = 1.0  # of calls, for one architecture


@dataclass(frozen=True)
class Latencies:
    """What `latencies.json` holds.

    Attributes:
        machine: where they were measured.
        seconds: per image (median), by `architecture_key`.
    """

    machine: str
    seconds: dict[str, float]


def known_latencies(run: RunFolder) -> dict[str, float]:
    """Read seconds per image by `architecture_key`, of those measured on this machine."""
    if not run.latencies.exists():
        return {}
    known = from_json(Latencies, read_json(run.latencies), file=run.latencies)
    return known.seconds if known.machine == machine_name() else {}


def measure_latencies(
    experiment: Experiment,
    wanted: Sequence[Values],
    *,
    seconds: float,
    stop: StopSignal,
    progress: ProgressSink,
) -> dict[str, float]:
    """Measure the architectures of `wanted` that are not known yet, in this order.

    Args:
        experiment: the run.
        wanted: configurations.
        seconds: after so many no further one is begun.
        stop: asked whether to stop.
        progress: told how far it is.

    Returns:
        Seconds per image (median) by `architecture_key`, those of before included.

    Raises:
        KeyboardInterrupt: told to stop; what was measured is kept.
    """
    latencies = known_latencies(experiment.run)
    missing = {architecture_key(values): values for values in wanted}
    missing = {key: values for key, values in missing.items() if key not in latencies}
    if not missing or seconds <= 0:
        return latencies
    from search.trial.keras_setup import prepare_to_train

    prepare_to_train(experiment.config)
    # After it: this module imports Keras, and TensorFlow is quiet only if `quiet` imports it.
    from search.formats.untrained import latency_in_memory

    begun = time.monotonic()
    with progress.task("measuring latency") as task:
        for number, (key, values) in enumerate(missing.items()):
            stop.raise_if_requested()
            if time.monotonic() - begun > seconds:
                break
            task.update(number, len(missing))
            timed = latency_in_memory(experiment, values, seconds=_TIMED_SECONDS)
            latencies[key] = timed.median
            # After each one: Ctrl-C keeps what was measured.
            with suppress(OSError):  # a folder that is only to be read: measured for this once
                write_json(experiment.run.latencies, to_json(Latencies(machine_name(), latencies)))
    return latencies
