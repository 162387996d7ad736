"""The error for what a user can correct in the choice of a model."""


class ModelError(Exception):
    """A model cannot be built; the message says what was received, expected and to be done."""
