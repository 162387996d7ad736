"""What can go wrong in a way that a user can mend."""


class TuneError(Exception):
    """A mistake that a user can mend: what was received, what was expected, what to do."""


class DataGoneError(TuneError):
    """What a run has prepared of its images is no longer there: no trial can go on."""


class PhotoGoneError(DataGoneError):
    """A file is gone, or another by now, that an image is decoded from when it is needed.

    Attributes:
        path: of it; "" where that is not known.
    """

    path: str = ""
