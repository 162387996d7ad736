"""Choose the views in which an augmented image is kept: epoch e trains on view e mod their number.

View 0 is the plain image, view 1 the flipped one (both serve every strength above 0), the others
are drawn at random for one augmentation.
"""

from dataclasses import dataclass

from search.run_folder.records import Values

VIEWS = 4  # an image, where it is augmented


@dataclass(frozen=True)
class View:
    """One look at every image.

    Attributes:
        name: of its file.
        flipped: left to right.
        augmentation: the values it is drawn with; None for none.
        seed: of what is drawn.
    """

    name: str
    flipped: bool = False
    augmentation: Values | None = None
    seed: int = 0

    @property
    def mixes(self) -> bool:
        """Whether its images, and so their labels, are mixed with others."""
        return self.augmentation is not None and self.augmentation["mix"] != "none"


def views_of(values: Values) -> list[View]:
    """The views of a configuration, in the order of epochs."""
    names = ("policy", "strength", "erasing", "mix")
    augmentation = {name: values[f"augmentation/{name}"] for name in names}
    views = [View("plain")]
    if float(augmentation["strength"]) > 0:
        views.append(View("flipped", flipped=True))
    elif augmentation["erasing"] == 0 and augmentation["mix"] == "none":
        return views
    # Steps of 0.1 do not add up exactly: 0.30000000000000004 is 0.3.
    words = (v if isinstance(v, str) else f"{v:g}" for v in augmentation.values())
    text = "-".join(words)
    return views + [
        View(f"{text}-{number}", augmentation=augmentation, seed=number)
        for number in range(len(views), VIEWS)
    ]
