"""Narrow a space to the winners of the race: their backbones and image sizes."""

from collections.abc import Sequence
from typing import Any

from models.families.registry import FAMILIES
from search.algorithms.unit_space import choices, rebuilt
from search.run_folder.records import Values


def narrowed(space: Any, winners: Sequence[Values]) -> Any:
    """The same `keras_tuner.HyperParameters` with the winners' backbones and image sizes alone.

    Args:
        space: left as it is.
        winners: values of probes, at least one, the best first.
    """

    def changes(entry: Any) -> dict[str, Any]:
        family, _, value = entry.name.partition("/")
        name = f"probe/{value}"
        # A family of the user's own may have a value of that name.
        if family not in FAMILIES or name not in winners[0] or len(choices(entry) or ()) < 2:
            return {}
        values = list(dict.fromkeys(winner[name] for winner in winners))
        return {"values": values, "default": values[0]}

    return rebuilt(space, changes)
