"""Errors that the user can mend."""


class DataError(Exception):
    """A problem with the data. Its text says what was received, what was expected, what to do."""


class BadImageError(DataError):
    """A file that is not a usable image. Its text is the reason, as the catalog records it."""


class LostFileError(DataError):
    """A file that was usable when it was checked, and is not any more.

    Attributes:
        path: of it.
    """

    path: str = ""
