import pytest

from search.evaluation.objective import OBJECTIVES
from search.evaluation.two_shares import cannot_tell
from search.insights.family_comparison import ahead


def rows(*bests):
    names = ("transfer", "xception", "cnn")
    return list(zip(names, bests, strict=False))


def test_a_family_whose_lead_is_beyond_the_noise_of_the_images_is_ahead():
    assert ahead(rows(0.96, 0.9, 0.8), OBJECTIVES["val_accuracy"], 400) == (
        "transfer is ahead with 0.9600 validation accuracy on 400 images, "
        "0.0600 more than xception and 0.1600 more than cnn."
    )


def test_families_that_the_images_cannot_tell_apart_are_level():
    assert ahead(rows(0.96, 0.9567), OBJECTIVES["val_accuracy"], 300) == (
        "transfer and xception are level: 0.9600 and 0.9567 validation accuracy, "
        "which 300 images cannot tell apart."
    )


def test_a_third_family_behind_two_level_ones_is_said_to_have_what_it_has():
    assert ahead(rows(0.96, 0.9567, 0.8), OBJECTIVES["val_accuracy"], 300) == (
        "transfer and xception are level: 0.9600 and 0.9567 validation accuracy, "
        "which 300 images cannot tell apart; cnn has 0.8000."
    )


def test_equal_accuracies_are_level_even_without_any_noise():
    assert " are level: 1.0000 and 1.0000 " in ahead(
        rows(1.0, 1.0), OBJECTIVES["val_accuracy"], 300
    )


@pytest.mark.parametrize(
    ("one", "other", "pictures", "expected"),
    [
        (0.95, 0.90, 200, True),  # 0.050 against 2 x 0.0263
        (0.95, 0.90, 230, False),  # against 2 x 0.0246
        (0.90, 0.95, 230, False),
        (1.0, 0.98, 150, True),  # 3 images of 150 more: an error of 0 for the first misleads
        (1.0, 0.98, 1000, False),
    ],
)
def test_two_standard_errors_of_the_difference_decide(one, other, pictures, expected):
    assert cannot_tell(one, other, pictures) is expected


@pytest.mark.parametrize(
    ("objective", "bests", "expected"),
    [
        ("val_loss", (0.12, 0.34), "Best validation loss: transfer 0.1200, xception 0.3400."),
        ("val_auc", (0.9, 0.85), "Best validation AUC: transfer 0.9000, xception 0.8500."),
    ],
)
def test_what_has_no_simple_error_is_stated_and_not_judged(objective, bests, expected):
    assert ahead(rows(*bests), OBJECTIVES[objective], 10**6) == expected


@pytest.mark.parametrize("pictures", [None, 0])
def test_without_the_number_of_images_nothing_is_judged(pictures):
    said = ahead(rows(0.96, 0.5), OBJECTIVES["val_accuracy"], pictures)
    assert said == "Best validation accuracy: transfer 0.9600, xception 0.5000."
