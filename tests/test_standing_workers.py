"""Images read one by one, for many threads, by workers that may die of them."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawing import draw, hostile_task
from waiting import wait_until

from data_pipeline.decoding.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.pixels.reading import ImageReader
from data_pipeline.pixels.resize import resize
from data_pipeline.processes.limits import Failure, TaskLimits
from data_pipeline.processes.standing_workers import StandingWorkers
from data_pipeline.processes.workers import WITH_PILLOW


@pytest.fixture
def workers():
    standing = StandingWorkers(workers=2, limits=TaskLimits(hang_seconds=3.0), preload=WITH_PILLOW)
    yield standing
    standing.close()


def process_id(task):
    return os.getpid()


def test_what_kills_or_hangs_a_worker_costs_only_itself(workers):
    tasks = ["a", "kill", "b", "hang", "c", "kill", "d", "e"]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda task: workers.run(hostile_task, task), tasks))
    killed = Failure("killed its decoder: exit code -9")
    hung = Failure("no answer in 3 s")
    assert results == ["A", killed, "B", hung, "C", killed, "D", "E"]
    assert workers.run(hostile_task, "f") == "F"


def test_a_task_that_computes_too_long_is_ended_and_one_that_waits_is_not():
    limits = TaskLimits(processor_seconds=0.5)
    workers = StandingWorkers(workers=1, limits=limits, preload=WITH_PILLOW)
    try:
        burnt = Failure("took over 0.5 s of processor time")
        assert workers.run(hostile_task, "burn") == burnt
        assert workers.run(hostile_task, "wait") == "WAIT"
    finally:
        workers.close()


def test_workers_stay_and_are_replaced_when_they_die_idle(workers):
    first = {workers.run(process_id, None) for _ in range(20)}
    assert len(first) <= 2
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not workers._pool.active)
    assert workers.run(hostile_task, "a") == "A"
    assert workers.run(process_id, None) not in first


def test_closing_ends_the_workers_and_what_they_do(workers):
    pid = workers.run(process_id, None)
    caught = []

    def wait():
        try:
            workers.run(time.sleep, 30)
        except DataError as error:
            caught.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: workers._running)
    workers.close()
    waiting.join(10)
    assert caught == ["the processes that decode images were ended"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(DataError, match="were ended"):
        workers.run(hostile_task, "a")


@pytest.mark.parametrize("mode", ["squeeze", "crop", "pad"])
def test_images_come_as_prepared_for_training_with_the_size_they_had(tmp_path, mode):
    path = tmp_path / "a.png"
    draw(3, (90, 40)).save(path)
    (tmp_path / "words.jpg").write_text("words")
    reader = ImageReader(image_size=(16, 24), resize_mode=mode, workers=1)
    try:
        picture = reader.read(path)
        assert picture.size == (40, 90)
        expected = resize(read_upright(path), (16, 24), resize_mode=mode)
        np.testing.assert_array_equal(picture.pixels, expected)
        assert reader.read(tmp_path / "words.jpg").startswith("not an image; expected a whole")
    finally:
        reader.close()
