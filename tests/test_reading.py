import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from drawing import draw, hostile_read

from data_pipeline.decoding.decode import read_upright
from data_pipeline.pixels import reading
from data_pipeline.pixels.reading import read_images
from data_pipeline.pixels.resize import resize
from data_pipeline.processes.limits import TaskLimits
from data_pipeline.processes.workers import run_in_workers


def read(paths, size=(16, 24), **values):
    return list(read_images(paths, image_size=size, resize_mode="squeeze", **values))


def test_images_come_in_the_order_of_their_paths_as_prepared_for_training(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        draw(number, (30 + 20 * (number % 3), 40)).save(path)
    for path, (picture, error) in zip(paths, read(paths), strict=True):
        assert error == ""
        assert np.array_equal(picture, resize(read_upright(path), (16, 24)))


def test_an_image_that_kills_or_hangs_its_decoder_costs_its_own_line(monkeypatch):
    monkeypatch.setattr(reading, "_read", hostile_read)
    quick = functools.partial(run_in_workers, limits=TaskLimits(hang_seconds=1.0))
    monkeypatch.setattr(reading, "run_in_workers", quick)
    paths = [Path(name) for name in ("a", "kill", "b", "hang", "c")]
    pictures = read(paths, (20, 30), workers=2)
    errors = [error.split(";")[0] for _, error in pictures]
    assert errors[::2] == ["", "", ""]
    assert errors[1].startswith("killed its decoder")
    assert errors[3] == "no answer in 1 s"
    assert "leave the file out" in pictures[3][1]
    assert [int(picture[0, 0, 0]) for picture, _ in pictures[::2]] == [0, 2, 4]


def test_an_image_too_large_for_a_worker_costs_its_own_line(monkeypatch):
    def eat(path):
        raise MemoryError

    monkeypatch.setattr(reading, "read_upright", eat)
    assert reading._read((0, Path("large.png"))) == "out of memory"


def test_a_very_long_image_costs_its_own_line(tmp_path):
    """Its black bars would be longer than any image is."""
    draw(1, (70_000, 20)).save(tmp_path / "long.png")
    draw(2, (40, 30)).save(tmp_path / "other.png")
    paths = [tmp_path / "long.png", tmp_path / "other.png"]
    (none, why), (picture, fine) = read_images(paths, image_size=(16, 24), resize_mode="pad")
    assert (none, why, fine) == (None, "out of memory", "")
    assert picture.shape == (16, 24, 3)


def test_memory_is_bounded_by_a_window_of_files(monkeypatch):
    windows = []

    def here(function, tasks, **_):
        windows.append(len(tasks))
        return ((task, np.zeros((4, 4, 3), np.uint8)) for task in tasks)

    monkeypatch.setattr(reading, "run_in_workers", here)
    paths = [Path(str(number)) for number in range(1100)]
    assert len(read(paths, (4, 4))) == 1100
    assert windows == [512, 512, 76]
    windows.clear()
    pictures = read_images(paths, image_size=(4096, 4096), resize_mode="squeeze")
    next(pictures)
    assert windows == [16]


def test_images_that_come_late_are_not_overtaken(monkeypatch):
    def backwards(function, tasks, **_):
        for task in reversed(tasks):
            yield task, np.full((4, 4, 3), task[0], np.uint8)

    monkeypatch.setattr(reading, "run_in_workers", backwards)
    pictures = read([Path(str(number)) for number in range(100)], (4, 4))
    assert [int(picture[0, 0, 0]) for picture, _ in pictures] == list(range(100))


def test_what_cannot_be_read_says_why(tmp_path):
    names = [tmp_path / name for name in ("words.jpg", "empty.jpg", "pipe.jpg", "absent.jpg")]
    names[0].write_text("words")
    names[1].touch()
    os.mkfifo(names[2])
    paths = [*names, Path("/dev/zero"), tmp_path, tmp_path / "names" / "deep.jpg"]
    errors = [error for _, error in read(paths)]
    reasons = [
        "not an image",
        "empty file",
        "not a regular file",
        "unreadable: No such file",
        "not a regular file",
        "unreadable: Is a directory",
        "unreadable: No such file",
    ]
    for error, reason in zip(errors, reasons, strict=True):
        assert error.startswith(reason)
        assert str(tmp_path) not in error


def test_workers_that_only_read_load_no_tensorflow(tmp_path):
    program = (
        "import sys\n"
        "from data_pipeline.processes.workers import WITH_PILLOW, run_in_workers, start_server\n"
        "from drawing import modules_loaded\n"
        "start_server(WITH_PILLOW)\n"
        "((_, found),) = run_in_workers(modules_loaded, ['tensorflow'], preload=WITH_PILLOW)\n"
        "sys.exit(found != [])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "support")}
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, env=environment, check=False, timeout=60).returncode == 0
