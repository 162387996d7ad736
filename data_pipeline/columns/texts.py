"""What all columns of text have in common."""

from data_pipeline.columns.lazy_sequence import LazySequence


class Texts(LazySequence[str]):
    """A column of text that reads as a sequence of strings."""

    __hash__ = None  # type: ignore[assignment]
