"""What can go wrong through no fault of the program."""


class DataError(Exception):
    """A problem that the user can mend: says what was received, what was expected, what to do."""


class BadImageError(DataError):
    """A file that is no usable image; its text is the reason, as the catalog records it."""
