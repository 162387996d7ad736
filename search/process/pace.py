"""How fast this machine is, by what importing TensorFlow took here."""

_REFERENCE_SECONDS = 4.4  # on two idle cores that three processes share, as a search begins
_LEAST, _MOST = 0.75, 2.0  # a disk that was just switched on says nothing of the processor
_UNKNOWN = 1.3  # rather too slow than too late

_known: list[float] = []


def note_import(seconds: float) -> None:
    """Take in what the first import of TensorFlow in this process took."""
    _known[:] = [min(max(seconds / _REFERENCE_SECONDS, _LEAST), _MOST)]


def pace() -> float:
    """How many times as long as on the machine of reference it takes to trace, write and import."""
    return _known[0] if _known else _UNKNOWN
