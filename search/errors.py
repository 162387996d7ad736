"""What can go wrong in a way that a user can mend."""


class TuneError(Exception):
    """A mistake that a user can mend: what was received, what was expected, what to do."""
