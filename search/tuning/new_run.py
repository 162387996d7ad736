"""Begin a run: its folder, its configuration, its data."""

import re
import shutil
from datetime import datetime
from pathlib import Path

from models.families.own.references import references_in
from search.algorithms.ranges import require_ranges
from search.errors import TuneError
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.config import RunConfig
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.own_families import keep_families, load_named
from search.run_folder.paths import RunFolder
from search.trial.experiment import Experiment
from search.tuning.buildable import require_buildable
from search.tuning.planning.resolve_config import Options, load_tensorflow, resolve_config
from search.tuning.preparation.prepare_apart import has_many_files, prepare
from search.tuning.preparation.prepare_data import with_objective, with_race


def settled(
    run: RunFolder,
    data: Path,
    options: Options,
    *,
    cache_dir: Path,
    disk: ImagesDisk | None,
    stop: StopSignal,
    progress: ProgressSink,
) -> RunConfig:
    """Settle the configuration of a new run, prepare its data, and write both into its folder.

    Args:
        run: its folder, new.
        data: folder of the images.
        options: what the user gave.
        cache_dir: where checked catalogs and prepared pixels are kept.
        disk: what the prepared pixels may take; None for all that they need.
        stop: asked whether to stop.
        progress: told what is done.

    Raises:
        TuneError, DataError, ModelError: what a user can mend.
    """
    from data_pipeline.preparation.prepare import preload_decoders

    # Of many files they are loaded where these are checked.
    if not has_many_files(data, follow_links=bool(options.get("follow_links"))):
        preload_decoders(data, cache_dir=cache_dir)
    own = references_in(options.get("families") or ())
    if own:
        load_tensorflow(progress)
    loaded = [load_named(each) for each in own]
    config = resolve_config(data, options, progress, cache_dir=cache_dir)
    if own:
        with progress.task("looking for hyperparameters"):
            said = keep_families(run, config, loaded)
        for sentence in said:
            progress.message(sentence)
    require_ranges(config)
    prepare(run, config, cache_dir=cache_dir, disk=disk, progress=progress)
    config = with_objective(run, config)
    if own:
        require_buildable(Experiment.load(run, config), [each.name for each in own], progress)
    # They import TensorFlow, which `resolve_config` has done quietly by now.
    from search.tuning.planning.epochs_in_time import with_epochs
    from search.tuning.planning.limits import within_limits

    config = within_limits(run, config, options, stop=stop, progress=progress)
    config = with_race(run, config)
    if options.get("max_epochs") is None:
        config = with_epochs(run, config, stop=stop, progress=progress)
    config.save(run)
    return config


def clear_unbegun(run: RunFolder) -> None:
    """Delete what a run of this name has left that was killed before it began, on other data."""
    shutil.rmtree(run.families, ignore_errors=True)
    for path in _written_before_the_configuration(run):
        path.unlink(missing_ok=True)


def new_folder(results: Path, name: str) -> RunFolder:
    """Give the folder of a new run, which may hold what a run has that was killed before it began.

    Raises:
        TuneError: the name is no plain name, or there is something of that name already.
    """
    run = RunFolder(results / name)
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise TuneError(f"--name {name!r}: use letters, digits, '-', '_' and '.' only")
    if run.config.exists():
        raise TuneError(
            f"{run.path}: there is a run of this name already; "
            f"go on with it by 'tune run --resume {run.argument}', or choose another --name"
        )
    own = {*_written_before_the_configuration(run), *(run.path / name for name in _ALWAYS_THERE)}
    if run.path.exists() and any(not _is_ours(path, own) for path in run.path.iterdir()):
        raise TuneError(f"{run.path}: not empty, and no run; choose another --name")
    return run


_ALWAYS_THERE = ("lock", "workers.log", "families")


def _written_before_the_configuration(run: RunFolder) -> tuple[Path, ...]:
    data = (run.data, run.images, run.excluded, run.splits, run.known, run.targets, run.groups)
    own = run.families.glob("*") if run.families.is_dir() else ()
    return (*data, run.older_images, run.older_known, run.costs, run.update, *own)


def _is_ours(path: Path, own: set[Path]) -> bool:
    return path in own or (path.name.startswith(".") and path.name.endswith(".tmp"))


def default_name(data: Path) -> str:
    """Name a run by its folder of images and the time."""
    folder = re.sub(r"[^\w.-]", "_", data.resolve().name).lstrip(".-") or "run"
    return f"{folder}-{datetime.now():%Y%m%d-%H%M%S}"
