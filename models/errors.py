"""What can go wrong that the person at the keyboard can put right."""


class ModelError(Exception):
    """A model that cannot be built: says what was received, what was expected, what to do."""
