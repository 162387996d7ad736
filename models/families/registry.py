"""The table of families of models by name. A new one is one file and one row in `FAMILIES`.

Those of a user's file (`models.families.own`) are registered while a process runs. Imports without
Keras, so that the command line can list them.
"""

from __future__ import annotations

from typing import Any

from models.errors import ModelError
from models.families import cnn, joined, mini_xception, probe, transfer
from models.families.family import Family

# In the order in which their baselines are tried: first the family that needs the least time.
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        probe.FAMILY,
        joined.FAMILY,
        transfer.FAMILY,
        cnn.FAMILY,
        mini_xception.FAMILY,
    )
}
_own: dict[str, Family] = {}


def family_named(name: str) -> Family:
    """Look up a family.

    Raises:
        ModelError: There is none of that name.
    """
    known = FAMILIES.get(name) or _own.get(name)
    if known is None:
        raise ModelError(f"family: received {name}, expected one of {', '.join(FAMILIES)}")
    return known


def is_known(name: str) -> bool:
    """Tell whether there is a family of that name."""
    return name in FAMILIES or name in _own


def register(family: Family) -> None:
    """Make a user's family known in this process, in place of an earlier one of its name."""
    _own[family.name] = family


def register_name(name: str) -> None:
    """Make a user's family known whose code is not run: it is described, and cannot be built."""
    if not is_known(name):
        register(Family(name=name, declare=_not_loaded, build=_not_loaded))


def searched(families: tuple[str, ...]) -> tuple[str, ...]:
    """Return the families of which a search draws configurations: a solved one has few."""
    return tuple(name for name in families if not family_named(name).solved)


def _not_loaded(*arguments: Any, **options: Any) -> Any:
    raise ModelError("family: the file that defines it was not loaded")
