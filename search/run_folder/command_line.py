"""Write the command lines that make a run and its export, from what was written of them."""

import shlex
from pathlib import Path

from models.families.backbone import enlarged
from search.evaluation.objective import AS_GOOD_WITHIN
from search.run_folder.budget import Budget
from search.run_folder.config import FACTOR, TRIED_AGAIN, RunConfig
from search.run_folder.exported.finalist_rows import SEEDS, TOP
from search.run_folder.exported.metrics import Metrics

_ALWAYS = "keras"  # the format that is written whatever is asked for


def command(config: RunConfig) -> str:
    """The command line that makes the same run, folders and files by their names alone."""
    if config.updates:
        trials = ["--max-trials", str(config.max_trials)] if _is_number_given(config) else []
        run, data = Path(config.updates).name, Path(config.data).name
        return shlex.join(["tune", "update", run, data, *data_options(config), *trials])
    height, width = config.image_size
    words = ["tune", "train" if config.preset else "run", Path(config.data).name]
    if config.preset:
        words += ["--preset", config.preset]
    else:
        words += ["--algo", config.algo, "--families", ",".join(_families(config))]
        words += ["--backbones", ",".join(config.backbones)] if config.backbones else []
        words += _backbone_sizes(config)
        words += ["--objective", config.objective]
        words += [] if config.factor == FACTOR else ["--factor", str(config.factor)]
        if config.hyperband_iterations:
            words += ["--hyperband-iterations", str(config.hyperband_iterations)]
        if config.max_trials:
            words += ["--max-trials", str(config.max_trials)]
        for name, low, high in config.ranges:
            words += ["--range", f"{name}={low!r}:{high!r}"]
        words += _limits(config)
        words += [] if config.early_stop else ["--no-early-stop"]
        words += [] if config.resize_mode == "squeeze" else ["--resize", config.resize_mode]
    words += ["--image-size", f"{height}x{width}", "--max-epochs", str(config.max_epochs)]
    words += ["--precision", config.precision, "--seed", str(config.seed)]
    words += data_options(config)
    words += ["--deterministic"] if config.deterministic else []
    if config.weights not in (None, "imagenet"):
        words += ["--weights", Path(str(config.weights)).name]
    return shlex.join(words)


def export_command(metrics: Metrics, config: RunConfig) -> str:
    """The command line that exports from a run in the same way, with every option that matters.

    The limits of the run hold anyway, for its own formats, which are written anyway: given once
    more they would hold for all formats.

    Args:
        metrics: of the export.
        config: of the run.
    """
    limits_of_run = config.budget.limited and metrics.budget == config.budget
    always = {_ALWAYS, *(config.formats if limits_of_run else ())}
    words = ["tune", "export-best", metrics.run]
    for row in metrics.parity:
        words += [] if row.format in always else ["--format", row.format]
    written = {row.format for row in metrics.parity}
    if config.formats and not limits_of_run and written <= {_ALWAYS}:
        words += ["--format", _ALWAYS]  # else those of the run would be written
    words += [] if limits_of_run else _budget(metrics.budget)
    for option, value, usual in (
        ("--precision", metrics.precision_wished, None),
        ("--top", metrics.top, TOP),
        ("--seeds", metrics.seeds, SEEDS),
        ("--cheaper-within", metrics.cheaper_within, AS_GOOD_WITHIN),
    ):
        words += [] if value in (None, usual) else [option, f"{value:g}"]
    return shlex.join(words)


def _is_number_given(config: RunConfig) -> bool:
    """Whether an update tries more, or fewer, configurations than it would by itself."""
    return {config.max_trials, len(config.begin_with)} != {TRIED_AGAIN}


def _families(config: RunConfig) -> list[str]:
    """What is given as `--families`; of the user's own the copy in the run's folder."""
    own = {name: f"families/{name}.py:{name}" for name, _ in config.own_families}
    return [own.get(name, name) for name in config.families]


def data_options(config: RunConfig, *, whole: bool = False) -> list[str]:
    """How the data set is read, a table by its name alone, or with its whole path."""

    def file(path: str) -> str:
        return path if whole else Path(path).name

    words = ["--follow-links"] if config.follow_links else []
    words += ["--labels", file(config.labels)] if config.labels else []
    words += ["--corrections", file(config.corrections)] if config.corrections else []
    for name in ("image_column", "label_column", "split_column", "group_column", "group_by"):
        if (value := getattr(config, name)) is not None:
            words += [f"--{name.replace('_', '-')}", value]
    return words


def _limits(config: RunConfig) -> list[str]:
    """The options that set the limits of a run and the files that they hold for."""
    words = _budget(config.budget)
    for name in config.formats:
        words += ["--format", name]
    return words


def _budget(budget: Budget) -> list[str]:
    words: list[str] = []
    if budget.latency is not None:
        words += ["--max-latency", f"{budget.latency * 1e3:.12g}ms"]
    if budget.size is not None:
        words += ["--max-size", f"{budget.size / 1e6:.12g}MB"]
    return words


def _backbone_sizes(config: RunConfig) -> list[str]:
    """What is to be given of the sizes for backbones; nothing where they follow from the others."""
    own = enlarged(config.image_size), max(config.image_size)
    if not config.backbone_sizes or (config.backbone_sizes, config.largest_side) == own:
        return []
    return ["--backbone-sizes", ",".join(map(str, config.backbone_sizes))]
