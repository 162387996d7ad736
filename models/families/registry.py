"""The table of families of models by name. A new one is one file and one row in `FAMILIES`.

Imports without Keras, so that the command line can list them.
"""

from __future__ import annotations

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


def family_named(name: str) -> Family:
    """Look up a family.

    Raises:
        ModelError: There is none of that name.
    """
    if name not in FAMILIES:
        raise ModelError(f"family: received {name}, expected one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def searched(families: tuple[str, ...]) -> tuple[str, ...]:
    """Return the families of which a search draws configurations: a solved one has few."""
    return tuple(name for name in families if not family_named(name).solved)
