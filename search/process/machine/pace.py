"""How fast this machine is, by what importing TensorFlow took here."""

# On two cores: alone, of the processor; and on the clock where three processes import it at once,
# as a search on new images begins.
_CPU_SECONDS, _WALL_SECONDS = 2.5, 4.4
_LEAST, _MOST = 0.75, 2.0  # a disk that was just switched on says nothing of the processor
_UNKNOWN = 1.3  # rather too slow than too late

_known: list[float] = []


def note_import(cpu: float, wall: float) -> None:
    """Take in what the first import of TensorFlow in this process took, in seconds.

    Args:
        cpu: of the processor; more on a slow one.
        wall: on the clock; more where others are at work too.
    """
    _known[:] = [min(max(cpu / _CPU_SECONDS, wall / _WALL_SECONDS, _LEAST), _MOST)]


def pace() -> float:
    """How many times as long as on the machine of reference it takes to trace, write and import."""
    return _known[0] if _known else _UNKNOWN
