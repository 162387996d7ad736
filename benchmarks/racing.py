"""What the races share: processes with a time limit, curves of a search, linked photos."""

import os
import shutil
import signal
import subprocess
import time

LIMIT = 30 * 60  # seconds for one search, and for one export
EPOCH_TAG = "accuracy/validation"


def link(source, target):
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copyfile(source, target)


def run(arguments, log, limit=LIMIT):
    """Run to the end or the limit: when it was spawned, seconds, stdout, and what went wrong."""
    spawned, trouble = time.time(), None
    arguments = [str(a) if a != "SPAWNED" else str(spawned) for a in arguments]
    with log.open("a") as err, log.with_suffix(".out").open("w+") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=err, start_new_session=True)
        try:
            if status := process.wait(limit):
                trouble = f"exit status {status}, see {log.name}"
        except subprocess.TimeoutExpired:
            trouble = f"ended after {limit} s"
        finally:  # Ctrl-C too: it does not reach a session of its own
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        seconds = time.time() - spawned
        out.seek(0)
        return spawned, seconds, out.read(), trouble


def logged(folder):
    """(time.time() at its end, validation accuracy) of every epoch, from TensorBoard's files."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    return [
        (event.wall_time, float(make_ndarray(value.tensor)))
        for path in folder.rglob("events.out.*")
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
        if value.tag == EPOCH_TAG
    ]


def time_to(curve, goal):
    """Seconds until the curve first reaches the goal; None if it never does."""
    return next((seconds for seconds, best in curve if goal is not None and best >= goal), None)
