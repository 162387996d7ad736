"""List labelled images from any source: the table of sources, and the choice of one.

A new one is a module with a function that lists the files, and a row of `SOURCES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.catalog.class_folders import list_class_folders
from data_pipeline.catalog.listing import Listing
from data_pipeline.errors import DataError


@dataclass(frozen=True)
class ImageSource:
    """One way in which a data set can say which images it has and what they show.

    Attributes:
        expected: what the user has to give, in words, for error messages.
        accepts: whether it can list the data set at this path.
        list_images: lists it without opening an image; raises `DataError` where it is not as
            expected.
    """

    expected: str
    accepts: Callable[[Path], bool]
    list_images: Callable[[Path], Listing]


SOURCES: tuple[ImageSource, ...] = (
    ImageSource("a folder with a folder for each class", Path.is_dir, list_class_folders),
)


def list_images(data: Path) -> Listing:
    """List the labelled images of a data set, by the first source that accepts its path.

    Raises:
        DataError: no source accepts it, or what the source found is not as expected.
    """
    for source in SOURCES:
        if source.accepts(data):
            return source.list_images(data)
    problem = "no labelled images to be read" if data.exists() else "no such file or folder"
    expected = " or ".join(source.expected for source in SOURCES)
    raise DataError(f"{data}: {problem}; expected {expected}")
