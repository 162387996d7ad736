"""Check, prepare and split the images of a run, and write down what it learns from."""

from dataclasses import replace
from pathlib import Path

from search.errors import TuneError
from search.evaluation.objective import AUTO, suited_to
from search.process.printable import printable
from search.process.progress import ProgressSink
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder


def prepare_data(
    run: RunFolder, config: RunConfig, *, cache_dir: Path, progress: ProgressSink
) -> None:
    """Check and prepare the images, split them, and write down what the run learns from.

    Raises:
        TuneError: the run was begun on other data.
    """
    from data_pipeline.near_duplicates.leaks import find_leaks
    from data_pipeline.preparation.prepare import prepare
    from data_pipeline.preparation.split import groups_dealt_apart, split_by_group
    from search.run_folder.data import load_splits, save_data
    from search.run_folder.data_summary import DataSummary
    from search.tuning.leak_warning import warn_of_large_groups, warn_of_leaks

    with progress.task("checking and preparing images", counted=True) as task:
        catalog, prepared = prepare(
            Path(config.data),
            image_sizes=config.prepared_sizes,
            resize_mode=config.resize_mode,
            cache_dir=cache_dir,
            options=config.data_options,
            progress=task.update,
        )
    for note in catalog.notes:
        progress.message(printable(note))
    for doubt in catalog.doubts:
        progress.warning(printable(doubt))
    before = DataSummary.load(run) if run.data.exists() else None
    if before and before.fingerprint != catalog.fingerprint:
        raise TuneError(
            f"{config.data}: the images are not those that {run.name} was begun with "
            f"(then {before.images} usable, now {len(catalog.kept)}); "
            "put them back, or start a new run"
        )
    if run.splits.exists():
        # Another version may split otherwise, and what was tested must never be trained on.
        splits = load_splits(run)
    else:
        splits = split_by_group(
            catalog, validation=config.validation, test=config.test, seed=config.seed
        )
    leaks = find_leaks(catalog)
    warn_of_leaks(leaks, Path(config.data), progress)
    warn_of_large_groups(groups_dealt_apart(catalog, splits), progress)
    save_data(run, catalog, prepared, splits, leaks)


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
