"""Recall, precision, and whether a model is of any use, from its confusion matrix."""

import pytest

from search.evaluation.classes import balanced_accuracy, class_figures, doubts
from search.evaluation.intervals import wilson_interval

NAMES = ("crack", "dent", "fine")
# As on defects: the largest class has seven of ten images.
GOOD = [[16, 1, 3], [0, 7, 3], [1, 1, 68]]
LARGEST = [[0, 0, 20], [0, 0, 10], [0, 0, 70]]


def test_each_class_has_its_recall_and_precision():
    crack, dent, fine = class_figures(GOOD, NAMES)
    assert (crack.images, crack.recall, crack.answered) == (20, 0.8, 17)
    assert crack.precision == pytest.approx(16 / 17)
    assert (dent.name, dent.recall) == ("dent", 0.7)
    assert fine.recall_interval == wilson_interval(68, 70)
    assert fine.precision_interval == wilson_interval(68, 74)
    assert balanced_accuracy(GOOD) == pytest.approx((0.8 + 0.7 + 68 / 70) / 3)


def test_a_class_without_images_or_answers_has_no_share():
    crack, dent, fine = class_figures([[0, 0, 0], [0, 0, 2], [0, 0, 3]], NAMES)
    assert (crack.recall, crack.precision, crack.recall_interval) == (None, None, (0.0, 1.0))
    assert (dent.recall, dent.precision) == (0.0, None)
    assert fine.precision == 0.6
    assert balanced_accuracy([[0, 0], [0, 4]]) == 1.0
    assert balanced_accuracy([[0, 0], [0, 0]]) == 0.0


def test_a_model_of_use_gives_no_doubt():
    assert doubts(GOOD, NAMES) == []
    assert doubts([[9, 1], [1, 9]], ("cat", "dog")) == []
    assert doubts([[5, 0], [0, 0]], ("cat", "dog")) == []  # one class alone


def test_a_model_that_always_says_the_largest_class_is_of_no_use():
    assert doubts(LARGEST, NAMES) == [
        "its accuracy (0.7000) is not shown to be better than always saying fine (0.7000)",
        "it never answers crack, dent",
    ]


def test_what_it_is_good_for_all_the_same_is_said():
    (said,) = doubts([[14, 1, 5], [0, 8, 2], [12, 8, 50]], NAMES)
    assert said == (
        "its accuracy (0.7200) is not shown to be better than always saying fine (0.7000); its "
        "balanced accuracy is 0.7381, where one answer for all has 0.3333"
    )


@pytest.mark.parametrize(
    ("gained", "lost", "shown"),
    [
        (6, 0, True),
        (5, 0, False),
        (15, 5, True),
        (14, 6, False),
        (560, 440, True),
        (520, 480, False),
    ]
    + [(5_300, 4_700, True), (5_050, 4_950, False)],
)
def test_better_is_what_a_sign_test_shows(gained, lost, shown):
    """Of the images on which the two differ so many are won and lost."""
    matrix = [[20_000, lost], [1, gained]]
    said = doubts(matrix, ("free", "fray"))
    assert (said == []) == shown


def test_of_many_classes_that_are_never_answered_some_are_named():
    count = 9
    matrix = [[0] * count for _ in range(count)]
    for number in range(count):
        matrix[number][number % 2] = 40
    names = [f"c{number}" for number in range(count)]
    assert doubts(matrix, names)[-1] == "it never answers c2, c3, c4, c5, c6 and 2 more"
