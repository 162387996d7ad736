"""Lines of the plan about what is there: classes, files that are not used, GPUs."""

from collections.abc import Mapping, Sequence

import numpy as np

from data_pipeline.listing.folder_files import LINKED_FOLDER, LINKED_OUT
from search.process.machine.gpus import visible_gpus
from search.process.machine.hardware import detect
from search.process.printable import printable, shell_word

MOST_CLASSES = 12  # named in the plan


def classes_in_plan(class_names: Sequence[str], counts: Sequence[int]) -> str:
    """Name the classes with their numbers of images; of many the smallest and the largest."""
    named = [
        f"{printable(name)} {count:,}" for name, count in zip(class_names, counts, strict=True)
    ]
    if len(named) <= MOST_CLASSES:
        return f"classes: {', '.join(named)}"
    order = np.argsort(counts, kind="stable").tolist()
    return (
        f"classes: {len(named):,}, the smallest {', '.join(named[n] for n in order[:3])}, "
        f"the largest {', '.join(named[n] for n in order[:-4:-1])}"
    )


def not_used_in_plan(not_used: Mapping[str, int], data: str) -> str:
    """Say how many files are not used and why, as a line; "" where all are."""
    if not not_used:
        return ""
    total = sum(not_used.values())
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in not_used.items())
    which = f"tune clean {shell_word(data)}"
    said = f"not used: {total:,} files or folders ({reasons}); which: {which}\n"
    return f"{said}{_links(not_used)}"


def _links(reasons: Mapping[str, int]) -> str:
    """What takes linked folders and files, as a line; "" where none was met."""
    linked = any(reason in (LINKED_FOLDER, LINKED_OUT) for reason in reasons)
    return "linked folders and files are taken with --follow-links\n" if linked else ""


def gpus_in_plan() -> str:
    """Name the GPUs that are used, as a line; "" where there are none."""
    gpus = ", ".join(gpu.in_words() for gpu in visible_gpus()) if detect().gpus else ""
    return f"GPUs: {gpus}\n" if gpus else ""
