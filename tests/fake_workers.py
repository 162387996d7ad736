"""What worker processes run in tests: the protocol of `search.workers.work`, without TensorFlow.

The trial's value "do" says what is to happen.
"""

import os
import signal
import time

from search.messages import Progress
from search.records import COMPLETED
from search.workers import _follow_the_driver, resident_bytes


def fake_work(folder, device, share, pipe, stop):
    _follow_the_driver()
    pipe.send(None)
    while True:
        try:
            record = pipe.recv()
        except (EOFError, OSError):
            return
        do = record.values["do"]
        if do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if do == "exit":
            os._exit(3)
        if do == "hang":
            time.sleep(600)
        if do == "full disk":
            pipe.send(OSError(28, "No space left on device"))
            continue
        for step in range(1, 201 if do == "long" else 3):
            pipe.send(Progress(record.trial_id, 0, step, 200))
            if stop.is_set():
                pipe.send((record.with_outcome(status="stopped"), 0))
                break
            time.sleep(0.02)
        else:
            size = 10**15 if do == "grow" else resident_bytes()
            done = record.with_outcome(status=COMPLETED, score=1.0, reason=str(os.getpid()))
            pipe.send((done, size))
