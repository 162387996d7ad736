"""Choose what suits this machine for each option that the user left out."""

from pathlib import Path
from typing import Any

from models.families.own.references import names_in, references_in
from search.evaluation.objective import AUTO
from search.formats.registry import require_packages
from search.process.gpus import visible_gpus
from search.process.progress import ProgressSink
from search.run_folder.config import RunConfig
from search.run_folder.own_families import digest_of
from search.tuning.planning.image_sizes import image_sizes

Options = dict[str, Any]  # what the user gave; a missing or None value means "what suits"


def resolve_config(
    data: Path, options: Options, progress: ProgressSink, *, cache_dir: Path
) -> RunConfig:
    """Fill in what the user left open with what suits these images and this machine."""
    require_packages(options.get("formats") or ())
    hardware = load_tensorflow(progress)
    if said := hardware.unused(visible_gpus()):
        progress.warning(said)
    given = {key: value for key, value in options.items() if value is not None}
    own = references_in(given.get("families", ()))
    if own:
        given["families"] = names_in(given["families"])
    # A preset may say None: from scratch. Anyone else who says nothing wants ImageNet's.
    weights = options["weights"] if "preset" in options else given.get("weights", "imagenet")
    sizes = image_sizes(given, data, on_gpu=bool(hardware.gpus), cache_dir=cache_dir)
    compact = given.get("compact", not hardware.gpus)
    families, backbones = _available_families(
        given, weights, sizes.image_size, compact=compact, progress=progress
    )
    defaults: Options = {
        "algo": "hyperband",
        "resize_mode": "squeeze",
        "compact": compact,
        "max_epochs": 27 if hardware.gpus else 9,
        "factor": 3,
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


def load_tensorflow(progress: ProgressSink) -> Any:
    """Import TensorFlow, which takes seconds, and look at the devices."""
    from search.process.hardware import detect

    with progress.task("loading TensorFlow"):
        return detect()


def _available_families(
    given: Options,
    weights: str | None,
    image_size: tuple[int, int],
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
    from models.pretrained.networks import available_backbones, weights_file

    asked = given.get("families")
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
    try:
        names = tuple(available_backbones(wanted, weights, image_size))
        if "joined" in families and len(names) < 2:
            if asked:
                raise ModelError(f"family joined needs two backbones, there is {names[0]} alone")
            families = tuple(family for family in families if family != "joined")
        if weights is not None:  # fetched here, once, and not by each worker
            for name in names:
                weights_file(name, weights, image_size)
        return families, names
    except ModelError as error:
        if asked or given.get("backbones") or given.get("weights"):
            raise
        progress.warning(f"family {', '.join(pretrained)} left out: {error}")
        return tuple(family for family in families if family not in pretrained), ()
