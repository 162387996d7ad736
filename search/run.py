"""`tune run`: a folder of labelled photos in, a searched run folder out.

Read from top to bottom: look at the machine, settle the configuration, prepare the data, say
the plan, search, say what was found.
"""

import shutil
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from search.config import RunConfig
from search.disk import checkpoint_bytes, free_bytes, in_words
from search.errors import TuneError
from search.hardware import devices
from search.interrupt import Going
from search.lock import locked
from search.plan import Plan, make_plan
from search.progress import Pace
from search.records import TrialRecord, Values, load_records
from search.store import RunFolder, read_json
from search.workers import Limits, Workers, machine_memory

# Those that a processor gets through a photo with in about 10 ms; --backbones takes any.
LIGHT_BACKBONES = ("mobilenet_075", "mobilenet_v2", "efficientnet_v2_b0")
MEMORY_SHARE = 0.8  # of the machine's memory, for all workers together

Options = dict[str, Any]  # what the user gave; a missing or None value means "what suits"


@dataclass(frozen=True)
class Setting:
    """Where a run lives and how long it may take; nothing that decides its result.

    Attributes:
        results: folder of all runs.
        cache_dir: where checked catalogs and prepared pixels are kept.
        max_time: seconds, or None for as long as it takes.
        workers: worker processes; None for one a GPU, or one; 0 for none, all in this process.
        silence: seconds without a step after which a trial counts as hung.
        console: where progress and warnings go.
    """

    results: Path
    cache_dir: Path
    max_time: float | None
    workers: int | None
    silence: float
    console: Console


def start(data: Path, name: str | None, options: Options, setting: Setting) -> RunFolder:
    """Begin a new run and search until it ends, its time is up, or Ctrl-C.

    Raises:
        TuneError, DataError, ModelError: what a user can mend.
    """
    run = RunFolder(setting.results / (name or _fresh_name(data)))
    if run.config.exists():
        raise TuneError(
            f"{run.path}: there is a run of this name already; "
            f"go on with it by 'tune run --resume {run.name}', or choose another --name"
        )
    with locked(run), Going(setting.max_time, run.path) as going, _executor(run, setting) as where:
        try:
            config = settle(data, options, setting.console)
            prepare_data(run, config, setting)
            config.save(run)
        except BaseException:
            shutil.rmtree(run.path)  # nothing was begun: leave nothing behind
            raise
        _search(run, config, where, going, setting)
    return run


def resume(run: RunFolder, data: Path | None, options: Options, setting: Setting) -> RunFolder:
    """Go on with a run where it stopped.

    Raises:
        TuneError: the run was begun with other options or other data.
    """
    config = RunConfig.load(run)
    asked = {key: value for key, value in options.items() if value is not None}
    if data is not None:
        asked["data"] = str(data.resolve())
    if differing := config.differences(asked):
        lines = "\n".join(f"  {line}" for line in differing)
        raise TuneError(
            f"{run.name} cannot go on with other options than it was begun with:\n{lines}\n"
            "leave them out to go on, or start a new run"
        )
    with locked(run), Going(setting.max_time, run.path) as going, _executor(run, setting) as where:
        _load_tensorflow(setting.console)
        prepare_data(run, config, setting)
        _search(run, config, where, going, setting)
    return run


def _executor(run: RunFolder, setting: Setting) -> AbstractContextManager[Workers | None]:
    """Workers, which load TensorFlow while the data is prepared; None for `--workers 0`."""
    if setting.workers == 0:
        return nullcontext()
    places = devices(setting.workers)
    memory = int(MEMORY_SHARE * machine_memory() / len(places))
    return Workers(run, devices=places, limits=Limits(setting.silence, memory))


def settle(data: Path, options: Options, console: Console) -> RunConfig:
    """Fill in what the user left open with what suits this machine."""
    hardware = _load_tensorflow(console)
    given = {key: value for key, value in options.items() if value is not None}
    # A preset may say None: from scratch. Anyone else who says nothing wants ImageNet's.
    weights = options["weights"] if "preset" in options else given.get("weights", "imagenet")
    image_size = given.get("image_size") or ((180, 180) if hardware.gpus else (96, 96))
    compact = given.get("compact", not hardware.gpus)
    families, backbones = _available_families(
        given, weights, image_size, compact=compact, console=console
    )
    defaults: Options = {
        "algo": "hyperband",
        "crop_to_aspect_ratio": False,
        "compact": compact,
        "max_epochs": 27 if hardware.gpus else 9,
        "factor": 3,
        "hyperband_iterations": 1,
        "max_trials": 20,
        "objective": "val_accuracy",
        "validation": 0.15,
        "test": 0.15,
        "seed": 0,
        "deterministic": False,
    }
    settled = defaults | given
    settled |= {
        "data": str(data.resolve()),
        "weights": weights,
        "image_size": tuple(image_size),
        "families": families,
        "backbones": backbones,
        "precision": hardware.precision(given.get("precision", "auto")),
    }
    return RunConfig(**settled)


def _load_tensorflow(console: Console) -> Any:
    """Import TensorFlow, which takes seconds, and look at the devices."""
    from search.hardware import detect

    with console.status("loading TensorFlow"):
        return detect()


def _available_families(
    given: Options,
    weights: str | None,
    image_size: tuple[int, int],
    *,
    compact: bool,
    console: Console,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Families and backbones that can be built here; without weights, transfer is left out.

    Raises:
        ModelError: transfer was asked for by name and has no weights.
    """
    from models.backbones import BACKBONES, available_backbones, weights_file
    from models.errors import ModelError
    from models.families import FAMILIES

    asked = given.get("families")
    families = tuple(asked or FAMILIES)
    if "transfer" not in families:
        return families, ()
    wanted = tuple(given.get("backbones") or (LIGHT_BACKBONES if compact else BACKBONES))
    try:
        names = tuple(available_backbones(wanted, weights, image_size))
        if weights is not None:  # fetched here, once, and not by each worker
            for name in names:
                weights_file(name, weights, image_size)
        return families, names
    except ModelError as error:
        if asked or given.get("backbones") or given.get("weights"):
            raise
        console.print(f"[yellow]warning:[/] family transfer left out: {error}", soft_wrap=True)
        return tuple(family for family in families if family != "transfer"), ()


def prepare_data(run: RunFolder, config: RunConfig, setting: Setting) -> None:
    """Check and prepare the pictures, split them, and write down what the run learns from.

    Raises:
        TuneError: the run was begun on other data.
    """
    from data_pipeline.prepare import prepare
    from data_pipeline.split import split_by_group
    from search.experiment import save_data
    from search.watch import watch_files

    with watch_files(setting.console, "checking and preparing pictures") as progress:
        catalog, pixels = prepare(
            Path(config.data),
            image_size=config.image_size,
            crop_to_aspect_ratio=config.crop_to_aspect_ratio,
            cache_dir=setting.cache_dir,
            progress=progress,
        )
    if run.data.exists() and (before := read_json(run.data))["fingerprint"] != catalog.fingerprint:
        raise TuneError(
            f"{config.data}: the pictures are not those that {run.name} was begun with "
            f"(then {before['pictures']} usable, now {len(catalog.kept)}); "
            "put them back, or start a new run"
        )
    splits = split_by_group(
        catalog, validation=config.validation, test=config.test, seed=config.seed
    )
    save_data(run, catalog, pixels, splits)


def _search(
    run: RunFolder, config: RunConfig, where: Workers | None, going: Going, setting: Setting
) -> None:
    """Search until done or stopped, and say where things stand."""
    import keras_tuner

    from search.display import Scoreboard, make_display
    from search.executor import InProcess
    from search.experiment import Experiment
    from search.hardware import set_up_training
    from search.loop import Search
    from search.oracles import make_oracle
    from search.tensorboard import TensorBoardLog

    set_up_training(config)
    experiment = Experiment.load(run)
    space = keras_tuner.HyperParameters()
    experiment.classifier.declare_hyperparameters(space)
    oracle = make_oracle(config, space, known_good=known_good(experiment), directory=run.path)
    plan = make_plan(config)
    records = load_records(run)
    announce(plan, config, experiment, setting.console)
    pace = Pace(plan, setting.max_time, **_already_done(records))
    board = Scoreboard(pace, records, objective=config.objective, direction=config.direction)
    with make_display(board, setting.console) as display:
        done = Search(
            run,
            oracle,
            where or InProcess(experiment),
            observers=[display, TensorBoardLog(experiment, space)],
            max_epochs=config.max_epochs,
            going=going,
        ).to_the_end()
    if not done:
        setting.console.print(
            f"{going.why}: {pace.trials_done} of {plan.trials} trials are finished and saved; "
            f"go on with: tune run --resume {run.name}",
            soft_wrap=True,
        )
    if going.interrupted:
        raise KeyboardInterrupt


def known_good(experiment: Any) -> list[Values]:
    """What is tried first: the preset where one was asked for, else each family's default."""
    from models.hypermodel import default_values
    from models.presets import PRESETS

    if experiment.config.preset:
        return [dict(PRESETS[experiment.config.preset].values)]
    return [default_values(experiment.classifier, family) for family in experiment.config.families]


def announce(plan: Plan, config: RunConfig, experiment: Any, console: Console) -> None:
    """Say what is going to be done, before it is."""
    height, width = config.image_size
    families = ", ".join(
        f"transfer ({', '.join(config.backbones)})" if family == "transfer" else family
        for family in config.families
    )
    need = checkpoint_bytes(largest_model(experiment), plan.checkpoints)
    free = free_bytes(experiment.run.path)
    sizes = f"{len(experiment.train):,} training, {len(experiment.validation):,} validation and "
    console.print(
        f"[bold]{experiment.run.name}[/]: {config.algo}, {plan.configurations} configurations in "
        f"{plan.trials} trials, {plan.epochs} epochs in all\n"
        f"{sizes}{len(experiment.test):,} test pictures of {experiment.num_classes} classes at "
        f"{height}×{width}\n"
        f"families: {families}{' (compact, as there is no GPU)' if config.compact else ''}, "
        f"{config.precision}, objective {config.objective}, seed {config.seed}\n"
        f"disk: up to {in_words(need)} for training states, {in_words(free)} free",
        soft_wrap=True,
        highlight=False,
    )


def largest_model(experiment: Any) -> int:
    """Weights of the largest known-good model: what is searched is about as large."""
    import keras_tuner

    counts = []
    for values in known_good(experiment):
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        counts.append(experiment.classifier.build(hp).count_params())
    return max(counts)


def _already_done(records: list[TrialRecord]) -> dict[str, int]:
    finished = [record for record in records if record.finished]
    return {
        "trials_done": len(finished),
        "epochs_done": sum(len(record.history) for record in finished),
    }


def _fresh_name(data: Path) -> str:
    return f"{data.resolve().name}-{datetime.now():%Y%m%d-%H%M%S}"
