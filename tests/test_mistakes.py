from pathlib import Path

import numpy as np
import pytest

from data_pipeline.pixels.thumbnails import KnownFile
from search.report.mistakes import worst_mistakes

SHARES = np.array(
    [[0.9, 0.05, 0.05], [0.1, 0.6, 0.3], [0.02, 0.08, 0.9], [0.45, 0.5, 0.05]], np.float32
)
FILES = [KnownFile(Path(f"{k}.png"), "") for k in range(4)]


def worst(targets, **options):
    return worst_mistakes(
        SHARES, np.array(targets, np.int32), files=FILES, class_names=("a", "b", "c"), **options
    )


def test_the_label_that_was_least_credible_comes_first():
    found = worst([0, 0, 0, 0])
    assert [mistake.file.path.name for mistake in found] == ["2.png", "1.png", "3.png"]
    first = found[0]
    assert (first.label, first.answer) == ("a", "c")
    assert first.share == pytest.approx(0.9)
    assert first.share_of_label == pytest.approx(0.02)


def test_no_more_than_asked_for_and_none_where_all_is_right():
    assert len(worst([1, 0, 0, 2], most=2)) == 2
    assert worst([0, 1, 2, 1]) == []
