"""Choose what suits this machine for each option that the user left out."""

from pathlib import Path
from typing import Any

from models.families.own.references import names_in, references_in
from search.algorithms.registry import ALGORITHMS
from search.errors import TuneError
from search.evaluation.objective import AUTO
from search.formats.registry import require_packages
from search.process.machine.gpus import visible_gpus
from search.process.progress import ProgressSink
from search.run_folder.config import FACTOR, RunConfig
from search.run_folder.own_families import digest_of
from search.tuning.planning.image_sizes import ImageSizes, image_sizes

ALGO = "hyperband"
Options = dict[str, Any]  # what the user gave; a missing or None value means "what suits"


def resolve_config(
    data: Path, options: Options, progress: ProgressSink, *, cache_dir: Path
) -> RunConfig:
    """Fill in what the user left open with what suits these images and this machine.

    Raises:
        TuneError: an option is not for the algorithm, or a package is missing.
    """
    require_packages(options.get("formats") or ())
    _require_of_algorithm(options)
    hardware = load_tensorflow(progress)
    if said := hardware.unused(visible_gpus()):
        progress.warning(said)
    given = {key: value for key, value in options.items() if value is not None}
    own = references_in(given.get("families", ()))
    if own:
        given["families"] = names_in(given["families"])
    # A preset may say None: from scratch. Anyone else who says nothing wants ImageNet's.
    weights = options["weights"] if "preset" in options else given.get("weights", "imagenet")
    sizes = image_sizes(
        given, data, on_gpu=bool(hardware.gpus), cache_dir=cache_dir, progress=progress
    )
    compact = given.get("compact", not hardware.gpus)
    families, backbones = _available_families(
        given, weights, sizes, compact=compact, progress=progress
    )
    defaults: Options = {
        "algo": ALGO,
        "resize_mode": "squeeze",
        "compact": compact,
        "max_epochs": 27 if hardware.gpus else 9,
        "factor": FACTOR,
        "hyperband_iterations": 0,
        "max_trials": 0,
        "objective": AUTO,
        "validation": 0.15,
        "test": 0.15,
        "seed": 0,
        "deterministic": False,
        "early_stop": True,
        "follow_links": False,
    }
    values = defaults | given
    values |= {
        "data": str(data.resolve()),
        "weights": weights,
        "image_size": sizes.image_size,
        "backbone_sizes": sizes.backbone_sizes if backbones else (),
        "largest_side": sizes.largest_side if backbones else None,
        "families": families,
        "own_families": tuple((each.name, digest_of(each.file)) for each in own),
        "backbones": backbones,
        "precision": hardware.precision(given.get("precision", "auto")),
    }
    return RunConfig(**values)


def _require_of_algorithm(options: Options) -> None:
    """Refuse what the algorithm would not look at.

    Raises:
        TuneError: there is such an option.
    """
    algo = options.get("algo") or ALGO
    for name in ("factor", "hyperband_iterations", "max_trials"):
        if options.get(name) is None or name in ALGORITHMS[algo].options:
            continue
        others = ", ".join(key for key, each in ALGORITHMS.items() if name in each.options)
        raise TuneError(
            f"--{name.replace('_', '-')} {options[name]}: not an option of --algo {algo}; it is "
            f"one of {others}"
        )


def load_tensorflow(progress: ProgressSink) -> Any:
    """Import TensorFlow, which takes seconds, and look at the devices."""
    from search.process.machine.hardware import detect

    with progress.task("loading TensorFlow"):
        return detect()


def _available_families(
    given: Options,
    weights: str | None,
    sizes: ImageSizes,
    *,
    compact: bool,
    progress: ProgressSink,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Families and backbones that can be built here; pretrained ones are left out without weights.

    Raises:
        ModelError: a pretrained family was asked for by name and has no weights.
    """
    from models.errors import ModelError
    from models.families.registry import FAMILIES, family_named
    from models.pretrained.backbones import default_backbones
    from models.pretrained.networks import available_backbones, fetch_weights

    asked, image_size = given.get("families"), sizes.image_size
    families = tuple(asked or FAMILIES)
    # Probes find out which backbone what is trained shall stand on. A preset names its own, and
    # without pretrained weights there is nothing to find out.
    if given.get("preset") or weights is None:
        families = tuple(family for family in families if not family_named(family).solved)
    elif any(family_named(family).pretrained for family in families):
        families = ("probe", *(family for family in families if family != "probe"))
    pretrained = [family for family in families if family_named(family).pretrained]
    if not pretrained:
        return families, ()
    wanted = tuple(given.get("backbones") or default_backbones(light=compact))
    scales = [side / max(image_size) for side in sizes.backbone_sizes]
    seen = [(round(image_size[0] * scale), round(image_size[1] * scale)) for scale in scales]
    if given.get("preset"):
        seen = [image_size]
    try:
        names = tuple(available_backbones(wanted, weights, image_size, seen[-1]))
        if "joined" in families and len(names) < 2:
            if asked:
                raise ModelError(f"family joined needs two backbones, there is {names[0]} alone")
            families = tuple(family for family in families if family != "joined")
        if weights is not None:  # fetched here, once, and not by each worker
            fetch_weights(names, weights, seen)
        return families, names
    except ModelError as error:
        if asked or given.get("backbones") or given.get("weights"):
            raise
        progress.warning(f"family {', '.join(pretrained)} left out: {error}")
        return tuple(family for family in families if family not in pretrained), ()
