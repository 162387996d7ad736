"""Warn of images that are in two splits, as copies or as near-copies."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from search.process.printable import shell_word
from search.process.progress import ProgressSink
from search.process.wording import in_percent


def warn_of_leaks(leaks: Iterable[dict[str, Any]], data: Path, progress: ProgressSink) -> None:
    """Say which given splits know images of one another, where any do.

    Args:
        leaks: what `data_pipeline.near_duplicates.leaks.find_leaks` found.
        data: the folder.
        progress: where the warning goes.
    """
    sentences = [leak_in_words(leak) for leak in leaks if leak["pictures"]]
    if sentences:
        progress.warning(
            f"{'; '.join(sentences)}\n"
            f"scores on them flatter; see which they are: tune clean {shell_word(data)}"
        )


def leak_in_words(leak: dict[str, Any]) -> str:
    """`test: 12 of 200 images (6.0 %) are near-copies of images in train, 3 of them exact`."""
    count, exact = leak["pictures"], leak["exact"]
    if not count:
        return f"{leak['split']}: no image is a copy of one in {leak['other']}"
    if grouped := leak.get("grouped"):
        return (
            f"{leak['split']}: {count:,} of {leak['of']:,} images ({in_percent(leak['share'])}) "
            f"are near-copies of images in {leak['other']} or of a group that is there too "
            f"({grouped:,}), {exact:,} of them exact copies"
        )
    near = "" if exact == count else "near-"
    are = f"is a {near}copy of one" if count == 1 else f"are {near}copies of images"
    exact_copies = f", {exact:,} of them exact" if 0 < exact < count else ""
    large = leak.get("large")
    video = f", {large:,} of them in large groups, as the frames of a video are" if large else ""
    return (
        f"{leak['split']}: {count:,} of {leak['of']:,} images ({in_percent(leak['share'])}) "
        f"{are} in {leak['other']}{exact_copies}{video}"
    )


def warn_of_large_groups(groups: Sequence[Sequence[int]], progress: ProgressSink) -> None:
    """Say that splits that are dealt have near-copies of one another, where groups are too large.

    Args:
        groups: what `data_pipeline.preparation.split.groups_dealt_apart` found.
        progress: where the warning goes.
    """
    if groups:
        images = sum(map(len, groups))
        of = f"{len(groups)} groups" if len(groups) > 1 else "a group"
        progress.warning(
            f"{images:,} images are in {of} of near-copies, as the frames of a video are, too "
            "large for one split: they are dealt one by one, and scores flatter; say which images "
            "belong together with --group-by or --group-column"
        )
