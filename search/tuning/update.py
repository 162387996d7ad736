"""Search again after photos came or labels were corrected: `tune update`.

Nothing that was known is made again: files that were checked are not opened, pixels and features of
images that were there are copied, images stay in their splits, and the search tries the exported
configuration of the run that is updated and its best others.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.errors import TuneError
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.config import DATA_OPTIONS, TRIED_AGAIN, RunConfig, objective_of
from search.run_folder.data import load_splits
from search.run_folder.data_summary import DataSummary
from search.run_folder.exported.metrics import Metrics
from search.run_folder.images import Images
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import best_first
from search.run_folder.record_files import load_records
from search.tuning.data_change import change_of, save_change
from search.tuning.planning.resolve_config import Options, load_tensorflow
from search.tuning.preparation.prepare_apart import prepare


def settled_update(
    before: RunFolder,
    run: RunFolder,
    data: Path,
    options: Options,
    *,
    cache_dir: Path,
    disk: ImagesDisk | None,
    stop: StopSignal,
    progress: ProgressSink,
) -> RunConfig:
    """Settle the configuration of a run that updates another, prepare its data, and write both.

    Args:
        before: the run that is updated.
        run: its folder, new.
        data: folder of the images, those of before and others.
        options: `max_trials`, and how the data is read; the others are those of before.
        cache_dir: where checked catalogs and prepared pixels are kept.
        disk: what the prepared pixels may take; None for all that they need.
        stop: asked whether to stop.
        progress: told what is done.

    Raises:
        TuneError, DataError: what a user can mend.
    """
    known = _known_splits(before)
    earlier = RunConfig.load(before)
    best = _best(before, earlier)
    load_tensorflow(progress)
    reading = {name: options[name] for name in DATA_OPTIONS if options.get(name) is not None}
    given: dict[str, Any] = {
        **reading,
        "data": str(data.resolve()),
        "algo": "random",
        "max_trials": options.get("max_trials") or len(best),
        "hyperband_iterations": 0,
        "preset": None,
        "race_images": (),
        "updates": str(before.path.resolve()),
        "begin_with": best[: options.get("max_trials")],
    }
    config = replace(earlier, **given)
    if before.families.is_dir():
        shutil.copytree(before.families, run.families, dirs_exist_ok=True)
    places: Any = {"cache_dir": cache_dir, "disk": disk, "progress": progress}
    prepare(run, config, **places, known=known, donor=before)
    change = change_of(run, before)
    save_change(run, change)
    for sentence in change.in_words():
        progress.message(sentence)
    _carry_features(before, run, config)
    config.save(run)
    return config


def require_exported(run: RunFolder) -> None:
    """Refuse to update a run that has no exported model to compare with.

    Raises:
        TuneError: it has none.
    """
    if not (run.export / "model.keras").exists():
        raise TuneError(
            f"{run.name}: has no exported model, with which the new one is compared; first: tune "
            f"export-best {run.argument}"
        )


def _best(run: RunFolder, config: RunConfig) -> tuple[dict[str, Any], ...]:
    """Values of the configuration that was exported, then of the best others by the search."""
    ranked = best_first(load_records(run), objective_of(config))
    scored = [record for record in ranked if record.score is not None and record.images is None]
    several = [Metrics.load(run).configuration, *(record.values for record in scored)]
    # In the race of backbones one configuration may have been tried twice.
    different = [dict(each) for place, each in enumerate(several) if each not in several[:place]]
    return tuple(different[:TRIED_AGAIN])


def _known_splits(run: RunFolder) -> dict[str, tuple[Any, ...]]:
    """The split of each image of a run, by the hash of its pixels; several of copies in several."""
    hashes, splits = Images.load(run).pixel_hashes, load_splits(run)
    if not all(hashes):
        raise TuneError(
            f"{run.name}: an older version of tune began it, and did not note which image is "
            "which; start a new run"
        )
    known: dict[str, tuple[Any, ...]] = {}
    for name in ("train", "validation", "test"):
        for key in {hashes[row] for row in getattr(splits, name).tolist()}:
            known[key] = (*known.get(key, ()), name)
    return known


def _carry_features(before: RunFolder, run: RunFolder, config: RunConfig) -> None:
    """Copy the features of images that were there."""
    from search.trial.features.carried import carry_features

    old, new = Images.load(before).pixel_hashes, Images.load(run).pixel_hashes
    place = {key: row for row, key in enumerate(old)}
    pairs = [(place[key], row) for row, key in enumerate(new) if key in place]
    files = _pixel_files(before), _pixel_files(run)
    for source, target in zip(*files, strict=True):
        if source != target:
            carry_features(source, target, pairs, sizes=(len(old), len(new)))


def _pixel_files(run: RunFolder) -> list[Path]:
    data = DataSummary.load(run)
    return [Path(path) for path in (data.pixels, *(data.other_pixels or ()))]
