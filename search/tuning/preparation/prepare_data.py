"""Check, prepare and split the images of a run, and write down what it learns from."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.listing.listing import Split
from data_pipeline.pixels.prepared import Donor, PreparedPixels, largest_there
from search.errors import TuneError
from search.evaluation.objective import AUTO, suited_to
from search.process.printable import printable
from search.process.progress import ProgressSink
from search.run_folder.config import RunConfig
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.paths import RunFolder

if TYPE_CHECKING:
    from data_pipeline.catalog.entries import Catalog
    from data_pipeline.preparation.split import Splits


def prepare_data(
    run: RunFolder,
    config: RunConfig,
    *,
    cache_dir: Path,
    disk: ImagesDisk | None = None,
    progress: ProgressSink,
    known: Mapping[str, Collection[Split]] | None = None,
    donor: RunFolder | None = None,
) -> None:
    """Check and prepare the images, split them, and write down what the run learns from.

    Args:
        run, config: of which the data is.
        cache_dir: where checked catalogs and prepared pixels are kept.
        disk: what the prepared pixels may take; None for all that they need.
        progress: told what is done.
        known: the splits of images that were split before, by the hash of their pixels.
        donor: a run with the same sizes of images, from which prepared pixels are copied; what is
            like an image that it was trained on is not tested on.

    Raises:
        TuneError: the run was begun on other data.
    """
    from data_pipeline.near_duplicates.leaks import find_leaks
    from data_pipeline.preparation.prepare import prepare
    from data_pipeline.preparation.split import groups_dealt_apart
    from search.run_folder.data import save_data
    from search.tuning.preparation.leak_warning import warn_of_large_groups, warn_of_leaks

    disk = disk and ImagesDisk.of(disk.limit, config)
    with progress.task("checking and preparing images", counted=True) as task:
        catalog, prepared = prepare(
            Path(config.data),
            image_sizes=config.prepared_sizes,
            resize_mode=config.resize_mode,
            cache_dir=cache_dir,
            options=config.data_options,
            donors=_donors(donor, config) if donor else None,
            room=partial(disk.images, cache_dir) if disk else None,
            progress=task.update,
        )
    for note in catalog.notes:
        progress.message(printable(note))
    for doubt in catalog.doubts:
        progress.warning(printable(doubt))
    _require_the_same(run, config, catalog)
    splits = _splits(run, config, catalog, known, donor)
    leaks = find_leaks(catalog)
    warn_of_leaks(leaks, Path(config.data), progress)
    apart = groups_dealt_apart(catalog, splits)
    warn_of_large_groups(apart, progress)
    limit = disk.limit if disk else None
    images = sum(map(len, apart))
    save_data(run, catalog, prepared, splits, leaks, dealt_apart=images, disk=limit)


def _require_the_same(run: RunFolder, config: RunConfig, catalog: "Catalog") -> None:
    """Look whether a run that was begun goes on with the same images."""
    from search.run_folder.data_summary import DataSummary

    before = DataSummary.load(run) if run.data.exists() else None
    if before and before.fingerprint != catalog.fingerprint:
        raise TuneError(
            f"{config.data}: the images are not those that {run.name} was begun with "
            f"(then {before.images} usable, now {len(catalog.kept)}); "
            "put them back, or start a new run"
        )


def _splits(
    run: RunFolder,
    config: RunConfig,
    catalog: "Catalog",
    known: Mapping[str, Collection[Split]] | None,
    before: RunFolder | None,
) -> "Splits":
    """Split the images, or read how they were split."""
    from data_pipeline.near_duplicates.duplicates import large_groups
    from data_pipeline.preparation.split import split_by_group
    from data_pipeline.preparation.split_again import split_again
    from search.inference.known_images import load_known
    from search.run_folder.data import load_splits

    if run.splits.exists():
        # Another version may split otherwise, and what was tested must never be trained on.
        return load_splits(run)
    shares: Any = {name: getattr(config, name) for name in ("validation", "test", "seed")}
    if known is None:
        return split_by_group(catalog, **shares)
    trained = None
    if before is not None and (images := load_known(before.path)) is not None:
        trained = images.among(catalog)
        for group in large_groups(catalog):  # which are dealt one by one
            trained[list(group)] = False
    return split_again(catalog, known, trained=trained, **shares)


def _donors(run: RunFolder, config: RunConfig) -> dict[tuple[int, int], Donor]:
    """Prepared pixels of a run by their size, those that are there."""
    from search.run_folder.data_summary import DataSummary
    from search.run_folder.images import Images

    data, images = DataSummary.load(run), Images.load(run)
    paths = (data.pixels, *(data.other_pixels or ()))
    donors: dict[tuple[int, int], Donor] = {}
    for size, path in zip(config.prepared_sizes, paths, strict=True):
        with suppress(OSError, ValueError, EOFError):  # gone, or damaged
            pixels = PreparedPixels(largest_there(Path(path)), size, "").open()
            there = islice(images.pixel_hashes, len(pixels))
            donors[size] = Donor(pixels, {key: row for row, key in enumerate(there)})
    return donors


def with_objective(run: RunFolder, config: RunConfig) -> RunConfig:
    """The configuration with the objective that suits the classes, where that was left open."""
    if config.objective != AUTO:
        return config
    from search.run_folder.data import class_counts, load_splits, load_targets
    from search.run_folder.data_summary import DataSummary

    num_classes = len(DataSummary.load(run).class_names)
    counts = class_counts(load_targets(run), load_splits(run), num_classes=num_classes)
    return replace(config, objective=suited_to(counts))


def with_race(run: RunFolder, config: RunConfig) -> RunConfig:
    """The configuration with the rungs of its race of backbones, now that the images are known."""
    from search.algorithms.racing.plan import partial_rungs, race_of, rung_sizes
    from search.run_folder.data_summary import DataSummary

    if race_of(config) is None:
        return config
    data = DataSummary.load(run)
    sizes = rung_sizes(config.raced)
    rungs = partial_rungs(data.splits.train, len(data.class_names), sizes)
    return replace(config, race_images=rungs)
