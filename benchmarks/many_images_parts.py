"""What `many_images.py` measures, each part in a process of its own: its figures."""

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from peak_memory import OFTEN, LargestChild, children, memory

from search.run_folder.images_disk import ImagesDisk

SEARCH_MINUTES = 5
BATCH = 32
BATCHES = 50  # that are timed
BLOCK = 10_000  # sketches that are made up at the same time


def config_of(data, size):
    from search.run_folder.config import RunConfig

    return RunConfig(
        data=str(data),
        algo="random",
        families=("cnn",),
        backbones=(),
        image_size=(size, size),
        resize_mode="squeeze",
        compact=True,
        weights=None,
        max_epochs=9,
        factor=3,
        hyperband_iterations=1,
        max_trials=1,
        objective="val_accuracy",
        validation=0.15,
        test=0.15,
        seed=0,
        precision="float32",
        deterministic=False,
        early_stop=False,
    )


def prepare_run(data, cache, size, place, disk):
    """What a search does before its first trial, in the driver."""
    from data_pipeline.preparation.prepare import prepare
    from search.process.progress import Silent
    from search.run_folder.paths import RunFolder
    from search.tuning.preparation.prepare_data import prepare_data

    run, config = RunFolder(place), config_of(data, size)
    largest = LargestChild()
    largest.start()
    start = time.monotonic()
    figures = {}
    if place.name != "first":
        room = disk and partial(disk.images, cache)
        prepare(data, image_sizes=config.prepared_sizes, cache_dir=cache, room=room)
        figures["look_seconds"] = round(time.monotonic() - start, 2)
        start = time.monotonic()
    prepare_data(run, config, cache_dir=cache, disk=disk, progress=Silent())
    config.save(run)
    figures["seconds"] = round(time.monotonic() - start, 2)
    return figures | memory() | {"largest_child_mb": largest.peak_mb}


def first_step(place):
    """Seconds from the run's folder to the end of the first training step."""
    import keras
    import keras_tuner

    from data_pipeline.pixels.dataset import training_batches
    from search.run_folder.paths import RunFolder
    from search.trial.experiment import Experiment

    before, start = memory(), time.monotonic()
    experiment = Experiment.load(RunFolder(place))
    batches = training_batches(
        experiment.pixels,
        experiment.targets,
        experiment.train,
        num_classes=experiment.num_classes,
        batch_size=BATCH,
        seed=0,
        initial_epoch=0,
        epochs=1,
    )
    stream = iter(batches)
    images, labels = next(stream)
    batch = time.monotonic() - start
    for _ in range(BATCHES):
        next(stream)
    rate = BATCHES * BATCH / (time.monotonic() - start - batch)
    start += time.monotonic() - start - batch
    model = experiment.classifier.build(keras_tuner.HyperParameters())
    loss = "binary_crossentropy" if experiment.num_classes == 2 else "categorical_crossentropy"
    model.compile(keras.optimizers.SGD(), loss)
    model.train_on_batch(images, labels)
    step = time.monotonic() - start
    figures = {"batch_seconds": round(batch, 2), "step_seconds": round(step, 2)}
    figures["images_per_second"] = round(rate)
    return figures | {"before_mb": before["peak_mb"]} | memory()


def search_of_one(data, cache, size, place, disk):
    """Memory of `tune run` and of its worker."""
    options = ("--image-size", size, "--families", "cnn", "--algo", "random", "--max-trials", 1)
    options += ("--max-epochs", 1, "--max-time", f"{SEARCH_MINUTES}m", "--precision", "float32")
    options += ("--cache-dir", cache, "--results", place)
    options += ("--disk", f"{disk}GB") if disk else ()
    command = [sys.executable, "-m", "search", "run", data, *map(str, options)]
    start = time.monotonic()
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    largest, largest_child = {}, {"peak_mb": 0}
    while driver.poll() is None:
        with suppress(OSError, TypeError):  # it has just ended
            largest = memory(driver.pid)
            looked = [memory(child) for child in children(driver.pid)]
            largest_child = max(largest_child, *looked, key=lambda each: each["peak_mb"])
        time.sleep(OFTEN)
    figures = {"status": driver.returncode, "seconds": round(time.monotonic() - start, 1)}
    return figures | {"driver": largest, "largest_child": largest_child}


def near_copies(count, folder):
    """Look for copies among made-up sketches, of which none are alike."""
    import numpy as np

    from data_pipeline.catalog.table import SKETCH_BYTES
    from data_pipeline.columns.rows import Rows
    from data_pipeline.near_duplicates.copy_pairs import copy_pairs
    from data_pipeline.near_duplicates.stored_sketches import StoredSketches

    random = np.random.default_rng(0)
    with tempfile.TemporaryFile(dir=folder) as file:
        for first in range(0, count, BLOCK):
            shape = (min(BLOCK, count - first), SKETCH_BYTES)
            numbers = random.standard_normal(shape, np.float32) * 35
            file.write(np.clip(numbers, -127, 127).astype(np.int8).tobytes())
        file.flush()
        start = time.monotonic()
        rows = Rows(file, SKETCH_BYTES, np.arange(count))
        found = len(copy_pairs(StoredSketches(rows)))
        return {"seconds": round(time.monotonic() - start, 1), "pairs": found} | memory()


def copy_checks(data, links, cache, size, *, pixels):
    """Write down the checks of DATA's files as those of links to them, and empty `pixels`."""
    import numpy as np

    from data_pipeline.catalog.cache import save_catalog
    from data_pipeline.catalog.entries import Catalog
    from data_pipeline.catalog.table import Entries
    from data_pipeline.listing.sources import list_images
    from data_pipeline.pixels.prepared import pixels_of
    from data_pipeline.preparation.prepare import open_catalog

    known = open_catalog(data, cache_dir=cache).table
    rows = {path: row for row, path in enumerate(known.files.paths)}
    files = sorted(path for path in data.rglob("*") if path.is_file())
    origin = [rows[file.relative_to(data).as_posix()] for file in files]
    listing = list_images(links)
    numbers = (int(Path(path).stem) for path in listing.files.paths)
    taken = known.take(np.array([origin[number % len(files)] for number in numbers]))
    columns = (taken.kept, taken.formats, taken.sizes, taken.content_hashes, taken.pixel_hashes)
    entries = Entries(listing.files, *columns, taken.sketches)
    catalog = Catalog(links, entries, listing.class_names)
    save_catalog(catalog, links, cache)
    if pixels:
        path = pixels_of(catalog, (size, size), "squeeze", cache).path
        path.parent.mkdir(exist_ok=True)
        shape = (len(catalog.kept), size, size, 3)
        np.lib.format.open_memmap(path, "w+", np.uint8, shape).flush()  # a hole: it takes no room
    return {}


def done_here(job, data, place, size, count, disk):
    """One job in this process."""
    links, cache = place / "data", place / "cache"
    if job == "copy":
        return copy_checks(data, links, cache, size, pixels=not disk)
    if job == "step":
        return first_step(place / "second")
    if job == "near":
        return near_copies(count, place)
    if job == "search":
        return search_of_one(links, cache, size, place / "results", disk)
    limit = ImagesDisk(int(disk * 1e9)) if disk else None
    return prepare_run(links, cache, size, place / job, limit)
