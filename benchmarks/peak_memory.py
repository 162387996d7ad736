"""The highest resident memory of a process and of its children."""

import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

OFTEN = 0.2  # seconds between looks at the children


def memory(process="self"):
    """Peak resident memory of a process, and its own without mapped files now, in MB."""
    text = Path(f"/proc/{process}/status").read_text()
    peak, own = (int(re.search(rf"{key}:\s+(\d+)", text)[1]) for key in ("VmHWM", "RssAnon"))
    return {"peak_mb": round(peak / 1024), "own_mb": round(own / 1024)}


def children(process):
    """All processes below one."""
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                found += [child, *children(child)]
    return found


class LargestChild(threading.Thread):
    """Look at the peak memory of the children of this process, again and again."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak_mb = 0

    def run(self):
        while True:
            with suppress(OSError):
                for child in children(os.getpid()):
                    with suppress(OSError, TypeError):
                        self.peak_mb = max(self.peak_mb, memory(child)["peak_mb"])
            time.sleep(OFTEN)
