"""What worker processes run in tests, without TensorFlow.

The protocol is that of `search.executors.worker_pool.work`.

The trial's value "do" says what is to happen.
"""

import hashlib
import os
import signal
import time

from search.errors import DataGoneError
from search.executors.worker_main import follow_the_driver
from search.process.machine.memory import resident_bytes
from search.run_folder.records import COMPLETED, DIVERGED, FAILED, MEMORY, STOPPED, TrialResult
from search.trial.messages import Progress


def score(record):
    """Decided by the values alone, better with more epochs."""
    digest = hashlib.sha256(repr(sorted(record.values.items())).encode()).digest()
    return round(digest[0] / 512 + 0.05 * record.epochs, 6)


def fake_work(folder, device, share, pipe, stop):
    follow_the_driver()
    pipe.send(None)
    while True:
        try:
            spec = pipe.recv().spec
        except (EOFError, OSError):
            return
        do = spec.values["do"]
        if do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if do == "exit":
            os._exit(3)
        if do == "hang":
            time.sleep(600)
        if do == "gone images":
            pipe.send(DataGoneError("the images are gone"))
            continue
        if do == "no memory":
            pipe.send((TrialResult(status=FAILED, failure=MEMORY), 0))
            continue
        if do == "full disk":
            pipe.send(OSError(28, "No space left on device"))
            continue
        for step in range(1, 201 if do == "long" else 3):
            pipe.send(Progress(spec.trial_id, 0, step, 200))
            if stop.is_set():
                pipe.send((TrialResult(status=STOPPED), 0))
                break
            time.sleep(0.02)
        else:
            size = 10**15 if do == "grow" else resident_bytes()
            done = TrialResult(status=COMPLETED, score=1.0, reason=str(os.getpid()))
            pipe.send((done, size))


FAILURES = ("nan", "memory", "crash", "hang")
EVERY = 5  # of this many trials one fails


def failure_of(trial_id):
    """Of every five trials one fails, in turn in each of four ways; the same in every run."""
    number = int(trial_id)
    return FAILURES[number // EVERY % len(FAILURES)] if number % EVERY == 2 else None


def failing_work(folder, device, share, pipe, stop):
    follow_the_driver()
    pipe.send(None)
    while True:
        try:
            spec = pipe.recv().spec
        except (EOFError, OSError):
            return
        failure = failure_of(spec.trial_id)
        if failure == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if failure == "hang":
            time.sleep(600)
        if failure == "nan":
            done = TrialResult(status=DIVERGED, reason="loss is nan")
        elif failure == "memory":  # however small the batch
            done = TrialResult(status=FAILED, failure=MEMORY, reason="out of memory")
        else:
            history = [{"epoch": spec.epochs - 1, "val_accuracy": score(spec)}]
            done = TrialResult(status=COMPLETED, history=history, score=score(spec))
        pipe.send((done, 0))
