"""Turn a published configuration into the options of a run of one trial."""

from typing import Any

from models.presets import PRESETS
from search.errors import TuneError


def preset_options(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Options of a run that trains a preset alone; what was given goes before what was published.

    Raises:
        TuneError: there is no preset of that name.
    """
    if name not in PRESETS:
        raise TuneError(f"no preset named {name!r}; there are: {', '.join(PRESETS)}")
    preset = PRESETS[name]
    published: dict[str, Any] = {
        "preset": name,
        "algo": "random",
        "max_trials": 1,
        "weights": preset.weights,
        "families": (preset.values["family"],),
        "compact": False,
        "image_size": preset.image_size,
        "max_epochs": preset.epochs,
        "resize_mode": preset.resize_mode,
    }
    if backbone := preset.values.get(f"{preset.values['family']}/backbone"):
        published["backbones"] = (backbone,)
    return published | {key: value for key, value in given.items() if value is not None}


def preset_rows() -> list[dict[str, Any]]:
    """One row per preset, for `--json`."""
    return [
        {
            "name": preset.name,
            "description": preset.description,
            "source": preset.source,
            "image_size": list(preset.image_size),
            "epochs": preset.epochs,
            "published": preset.published,
            "values": preset.values,
        }
        for preset in PRESETS.values()
    ]
