"""What worker processes on the machines of a cluster run in tests."""

import json
import os
import time
from pathlib import Path

from search.executors.worker_main import work
from search.trial.messages import Progress

EPOCH_SECONDS = (
    0.3  # that an epoch takes longer: a machine is to be killed in the middle of a trial
)


class SlowPipe:
    """The pipe of a worker, which waits after each epoch."""

    def __init__(self, pipe):
        self.pipe = pipe

    def recv(self):
        return self.pipe.recv()

    def send(self, message):
        self.pipe.send(message)
        if isinstance(message, Progress) and message.logs:
            time.sleep(EPOCH_SECONDS)


def apart_work(folder, device, share, pipe, stop):
    """A real worker that has all it reads in the folder of its machine, or ends."""
    own = Path(os.environ["TUNE_NODE_CACHE"])
    while not (folder / "data.json").exists():
        time.sleep(0.05)
    pixels = Path(json.loads((folder / "data.json").read_text())["pixels"])
    if not (folder.is_relative_to(own) and pixels.is_relative_to(own)):
        os._exit(4)
    work(folder, device, share, SlowPipe(pipe), stop)
