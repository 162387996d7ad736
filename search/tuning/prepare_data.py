"""Check, prepare and split the images of a run, and write down what it learns from."""

from pathlib import Path

from search.errors import TuneError
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
    from data_pipeline.preparation.split import split_by_group
    from search.run_folder.data import load_splits, save_data
    from search.run_folder.data_summary import DataSummary
    from search.tuning.leak_warning import warn_of_leaks

    with progress.task("checking and preparing images", counted=True) as task:
        catalog, pixels = prepare(
            Path(config.data),
            image_size=config.image_size,
            crop_to_aspect_ratio=config.crop_to_aspect_ratio,
            cache_dir=cache_dir,
            progress=task.update,
        )
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
    save_data(run, catalog, pixels, splits, leaks)
