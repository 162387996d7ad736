from pathlib import Path

import pytest
from recorded_progress import Recorded

from search.tuning.preparation.leak_warning import (
    leak_in_words,
    warn_of_large_groups,
    warn_of_leaks,
)


def _leak(pictures, exact, groups=()):
    leak = {"split": "test", "other": "train", "pictures": pictures, "exact": exact}
    return {**leak, "of": 200, "share": pictures / 200, "groups": list(groups)}


@pytest.mark.parametrize(
    ("pictures", "exact", "words"),
    [
        (12, 0, "12 of 200 images (6.0 %) are near-copies of images in train"),
        (12, 3, "12 of 200 images (6.0 %) are near-copies of images in train, 3 of them exact"),
        (12, 12, "12 of 200 images (6.0 %) are copies of images in train"),
        (1, 0, "1 of 200 images (0.5 %) is a near-copy of one in train"),
        (0, 0, "no image is a copy of one in train"),
    ],
)
def test_a_leak_in_words(pictures, exact, words):
    assert leak_in_words(_leak(pictures, exact)) == f"test: {words}"


def test_images_of_a_group_in_both_are_no_copies():
    assert leak_in_words(_leak(12, 3) | {"grouped": 9}) == (
        "test: 12 of 200 images (6.0 %) are near-copies of images in train or of a group that is "
        "there too (9), 3 of them exact copies"
    )


def test_a_warning_names_what_leaks_and_says_where_to_look():
    said = Recorded()
    leaks = [_leak(12, 3), _leak(0, 0), {**_leak(1, 0), "split": "validation"}]
    warn_of_leaks(leaks, Path("ph[b]otos"), said)
    assert said.text == (
        "warning: test: 12 of 200 images (6.0 %) are near-copies of images in train, 3 of them "
        "exact; validation: 1 of 200 images (0.5 %) is a near-copy of one in train\n"
        "scores on them flatter; see which they are: tune clean 'ph[b]otos'"
    )


def test_no_leak_is_no_warning():
    said = Recorded()
    warn_of_leaks([_leak(0, 0)], Path("photos"), said)
    assert said.text == ""


def test_large_groups_are_told_from_other_copies():
    assert leak_in_words(_leak(12, 3) | {"large": 9}).endswith(
        "near-copies of images in train, 3 of them exact, 9 of them in large groups, as the frames "
        "of a video are"
    )


def test_large_groups_that_are_dealt_are_warned_of():
    said = Recorded()
    warn_of_large_groups([], said)
    assert said.lines == []
    warn_of_large_groups([range(30), range(40, 70)], said)
    (line,) = said.lines
    assert "60 images are in 2 groups of near-copies" in line
    assert "--group-by" in line
