"""Put load on `tune serve`: many requests, a huge upload, bombs and broken files.

    python benchmarks/serve.py results/cats/export photos/

Starts the real program, then prints a table: status, time, and the peak memory of the server and
of its workers together (the sum of their resident memory, looked at 50 times per second; pages
that they share count once for each).
"""

import http.client
import io
import json
import random
import re
import signal
import statistics
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from PIL import Image

PAGE_BYTES = 4096


class Memory(threading.Thread):
    """Megabytes of a process and of all below it, as they peak."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.server, self.workers = pid, 0.0, 0.0
        self.ended = threading.Event()

    def run(self):
        going = True
        while going:
            self.server = max(self.server, resident(self.pid))
            self.workers = max(self.workers, sum(map(resident, descendants(self.pid))))
            going = not self.ended.wait(0.02)


def resident(pid):
    with suppress(OSError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / 1e6
    return 0.0


def descendants(pid):
    found = []
    with suppress(OSError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, thread.read_text().split()):
                found += [child, *descendants(child)]
    return found


@contextmanager
def running(model):
    """The program, and its port."""
    start = time.monotonic()
    tune = Path(sys.executable).with_name("image-tune")
    process = subprocess.Popen(
        [tune, "serve", model, "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        port = int(re.search(r"127\.0\.0\.1:(\d+)", line)[1])
        print(f"ready after {time.monotonic() - start:.1f} s; threads {threads(process.pid)}")
        yield process, port
        start = time.monotonic()
        below = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        code, took = process.wait(30), time.monotonic() - start
        time.sleep(1)  # multiprocessing's own processes see that it has ended
        left = [pid for pid in below if resident(pid)]
        print(f"Ctrl-C: exit {code} after {took:.1f} s, {len(left)} left over")
    finally:
        process.kill()


def threads(pid):
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def post(port, body, path="/predict"):
    """(status, seconds, what was answered)."""
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        return answer.status, time.monotonic() - start, said
    except OSError as error:
        return type(error).__name__, time.monotonic() - start, {}
    finally:
        connection.close()


def crowd(port, photos, path):
    """All at once: a row of the table."""
    ready = threading.Barrier(len(photos))

    def ask(photo):
        ready.wait()
        return post(port, photo, path)

    start = time.monotonic()
    with ThreadPoolExecutor(len(photos)) as pool:
        answers = list(pool.map(ask, photos))
    took = time.monotonic() - start
    times = sorted(seconds for _, seconds, _ in answers)
    statuses = dict(Counter(status for status, *_ in answers))
    return (
        f"{statuses}",
        f"median {statistics.median(times):.2f} s, p95 {times[int(0.95 * len(times))]:.2f} s",
        f"{len(photos) / took:.0f} photos/s",
    )


def one(port, body):
    status, seconds, said = post(port, body)
    return f"{status}", f"{seconds:.2f} s", str(said.get("error") or "")[:60]


def in_turn(port, photos, path):
    """One after the other: a row of the table."""
    times = sorted(post(port, photo, path)[1] for photo in photos)
    median = statistics.median(times)
    return "", f"median {median:.3f} s, p95 {times[int(0.95 * len(times))]:.3f} s", ""


def png_bomb(side):
    """A valid, black PNG."""

    def part(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    press = zlib.compressobj(9)
    row = bytes(side * 3 + 1)
    data = b"".join(press.compress(row) for _ in range(side)) + press.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", data) + part(b"IEND", b"")


def gif_bomb(side):
    file = io.BytesIO()
    Image.new("P", (side, side)).save(file, "GIF")
    return file.getvalue()


def chunks(megabytes):
    yield from (bytes(2**20) for _ in range(megabytes))


@click.command()
@click.argument("model")
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--uploads", default=200, help="Photos sent at once.")
def main(model, photos, uploads):
    files = sorted(path for path in photos.rglob("*") if path.is_file())
    random.Random(0).shuffle(files)
    crowds = [
        [path.read_bytes() for path in files[k * uploads : (k + 1) * uploads]] for k in range(3)
    ]
    print(f"{uploads} photos of {sum(map(len, crowds[0])) / uploads / 1e3:.0f} kB")
    with running(model) as (process, port):
        for name, action in {
            "first photo, with heat": lambda: one(port, crowds[0][0]),
            "50 in turn": lambda: in_turn(port, crowds[1][:50], "/predict"),
            "50 in turn, with heat": lambda: in_turn(port, crowds[1][:50], "/predict?heat=1"),
            f"{uploads} at once": lambda: crowd(port, crowds[0], "/predict"),
            f"{uploads} at once, with heat": lambda: crowd(port, crowds[1], "/predict?heat=1"),
            f"{uploads} at once again": lambda: crowd(port, crowds[2], "/predict"),
            f"{3 * uploads} at once": lambda: crowd(port, sum(crowds, []), "/predict"),
            "200 MB, by its length": lambda: one(port, bytes(200 * 2**20)),
            "200 MB, in chunks": lambda: one(port, chunks(200)),
            "a text file": lambda: one(port, Path(__file__).read_bytes()),
            "half a JPEG": lambda: one(port, crowds[0][0][: len(crowds[0][0]) // 2]),
            "PNG of 30000x30000": lambda: one(port, png_bomb(30_000)),
            "GIF of 30000x30000": lambda: one(port, gif_bomb(30_000)),
            "PNG of 9400x9400, allowed": lambda: one(port, png_bomb(9_400)),
            "16 of these at once": lambda: crowd(port, [png_bomb(9_400)] * 16, "/predict"),
            f"{uploads} at once, after all": lambda: crowd(port, crowds[0], "/predict"),
        }.items():
            memory = Memory(process.pid)
            memory.start()
            row = action()
            memory.ended.set()
            memory.join()
            print(
                f"{name:28} {row[0]:22} {row[1]:32} {row[2]:32} server {memory.server:5.0f} MB, "
                f"workers {memory.workers:5.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
