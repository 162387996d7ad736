"""Where the trials of a run are trained: by workers of this machine, or on a cluster."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from search.executors.ray.address import ClusterAddress
from search.executors.worker_pool import WorkerLimits, Workers
from search.process.machine.hardware import devices
from search.process.machine.memory import machine_memory
from search.process.progress import ProgressSink
from search.run_folder.paths import RunFolder

MEMORY_SHARE = 0.8  # of the machine's memory, for all workers together


def workers_for(
    run: RunFolder,
    *,
    cluster: ClusterAddress | None,
    workers: int | None,
    trials_per_gpu: int,
    silence: float,
    cache_dir: Path,
    progress: ProgressSink,
) -> AbstractContextManager[Any]:
    """Workers, which load TensorFlow while the data is prepared; None for no workers.

    Args:
        run: whose trials they train.
        cluster: whose machines they are on; None for this machine.
        workers, trials_per_gpu, silence, cache_dir, progress: as
            `search.tuning.environment.RunEnvironment` describes them.
    """
    if cluster is not None:
        from search.executors.ray.executor import on_cluster

        return on_cluster(
            run,
            cluster,
            workers=workers,
            trials_per_gpu=trials_per_gpu,
            silence=silence,
            memory_share=MEMORY_SHARE,
            cache_dir=cache_dir,
            progress=progress,
        )
    if workers == 0:
        return nullcontext()
    places = devices(workers, trials_per_gpu)
    memory = int(MEMORY_SHARE * machine_memory() / len(places))
    return Workers(run, devices=places, limits=WorkerLimits(silence, memory))
