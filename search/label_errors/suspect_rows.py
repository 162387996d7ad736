"""What `tune labels` lists, as values; `--json` and the table have the same order."""

from dataclasses import dataclass

from search.run_folder.schema import named


@dataclass(frozen=True)
class Suspect:
    """An image whose label is likely wrong.

    Attributes:
        path: relative to the folder of the images.
        given: its label.
        suggested: the class that is likelier.
        probability_given, probability_suggested: of either, out of fold, 0 to 1.
        flagged: whether confident learning counts it as an error.
        split: "train", "validation" or "test"; "" for none.
    """

    path: str
    given: str
    suggested: str
    probability_given: float
    probability_suggested: float
    flagged: bool
    split: str


@dataclass(frozen=True, kw_only=True)
class SuspectReport:
    """The suspects of a run, and what they were found with.

    Attributes:
        run: its name.
        argument: how to name it in a command.
        root: folder of the images.
        images: how many were judged.
        configuration: whose models judged them, in short.
        folds, repeats: into how many parts the images were dealt, and how often.
        agreement: share of the labels that no other class beats, 0 to 1.
        flagged, doubted: how many labels are flagged, and for how many another class is likelier.
        suspects: the least credible label first; of those doubted as many as were asked for.
        files: paths of the written list and page.
        dealt_apart: images of groups of near-copies that are too large for one fold.
    """

    run: str
    argument: str
    root: str
    images: int = named("pictures")  # programs read this key
    configuration: str
    folds: int
    repeats: int
    agreement: float
    flagged: int
    doubted: int
    suspects: tuple[Suspect, ...]
    files: tuple[str, ...] = ()
    dealt_apart: int = 0
