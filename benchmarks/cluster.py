"""Trials through Ray on this machine: how many per hour, and what they cost above own workers.

    python benchmarks/cluster.py [--rounds 2]

1. The same deterministic search with two worker processes and with `--cluster local:2`, in turn:
   seconds from the start of the first trial to the end of the last, and the sum over all trials.
2. Trials that wait for 3 seconds, 8 per slot, with 1, 2 and 4 slots, through Ray and by workers.
"""

import argparse
import tempfile
import time
from pathlib import Path

from waiting_worker import SECONDS, wait_in_trials

from data_pipeline.sample import draw_sample
from search import api
from search.executors.ray.address import ClusterAddress
from search.executors.ray.executor import RayExecutor
from search.executors.ray.slot_plan import Settings
from search.executors.worker_pool import WorkerLimits, Workers
from search.process.progress import Silent
from search.process.stop_signal import StopSignal
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialSpec
from search.trial.messages import TrialTask

OPTIONS = {
    "algo": "random",
    "families": "cnn",
    "image_size": 32,
    "max_trials": 6,
    "max_epochs": 5,
    "early_stop": False,
    "deterministic": True,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_sample(folder / "photos", images_per_class=40)
        for number in range(rounds):
            for where in ({"workers": 2}, {"cluster": "local:2"}):
                run = searched(folder, where, number)
        for slots in (1, 2, 4):
            for kind in ("Ray", "workers"):
                waited(folder, run, slots, kind)


def searched(folder, where, number):
    """A real search, and its times."""
    (how,) = where.values()
    name = f"{str(how).replace(':', '')}-{number}"
    places = {"results": folder / "results", "cache_dir": folder / "cache"}
    run = api.tune(folder / "photos", name=name, **places, **OPTIONS, **where)
    records = load_records(run.folder)
    whole = max(each.ended for each in records) - min(each.begun for each in records)
    seconds = sum(each.seconds for each in records)
    print(f"{where}: {whole:.1f} s, trials {seconds:.1f} s, {len(records)} trials", flush=True)
    return run


def waited(folder, run, slots, kind):
    """Trials per hour that only wait, against as many as there could be."""
    if kind == "Ray":
        address = ClusterAddress(f"local:{slots}", slots)
        settings = Settings(
            run=run.folder,
            name=f"waiting-{slots}",
            per_node=slots,
            per_gpu=1,
            ours=True,
            silence=600.0,
            memory_share=0.8,
            target=wait_in_trials,
        )
        made = RayExecutor(address, settings, cache_dir=folder / "cache", progress=Silent())
    else:
        devices = [None] * slots
        limits = WorkerLimits()
        made = Workers(run.folder, devices=devices, limits=limits, target=wait_in_trials)
    with made as executor, StopSignal() as stop:
        finish(executor, slots, stop)  # the first ones wait for actors and processes to start
        begun = time.monotonic()
        count = 8 * slots
        finish(executor, count, stop)
        seconds = time.monotonic() - begun
    per_hour, most = count / seconds * 3600, slots / SECONDS * 3600
    print(f"{kind}, {slots} slots: {per_hour:.0f} per hour, {per_hour / most:.3f} of linear")


def finish(executor, count, stop):
    """Run so many trials, as many at once as there are slots."""
    left = [str(number) for number in range(count)]
    running = 0
    while left or running:
        while left and running < executor.slots:
            trial_id = left.pop()
            spec = TrialSpec(
                trial_id=trial_id,
                configuration=trial_id,
                values={"batch_size": 8},
                bracket=0,
                rung=0,
                initial_epoch=0,
                epochs=1,
            )
            executor.start(TrialTask(spec))
            running += 1
        if executor.wait(lambda progress: True, stop):
            running -= 1


if __name__ == "__main__":
    main()
