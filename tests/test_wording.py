import pytest

from search.process.wording import about_in_words, counted, duration_in_words, in_percent, time_left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "not known yet"),
        (0.4, "0 s"),
        (45, "45 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds, words):
    assert duration_in_words(seconds) == words


@pytest.mark.parametrize(
    ("number", "thing", "words"),
    [
        (1, "trial", "1 trial"),
        (0, "trial", "0 trials"),
        (1234, "image", "1,234 images"),
        (3, "class", "3 classes"),
        (1, "class", "1 class"),
    ],
)
def test_one_thing_is_not_called_many(number, thing, words):
    assert counted(number, thing) == words


def test_time_that_is_not_known_is_said_to_be():
    assert time_left(None) == "time left not known yet"
    assert time_left(61) == "1 min 01 s left"


@pytest.mark.parametrize(
    ("share", "digits", "words"),
    [
        (0.873, 1, "87.3 %"),
        (1.0, 1, "100.0 %"),
        (0.9997, 1, ">99.9 %"),
        (0.9999, 0, ">99 %"),
        (0.0, 1, "0.0 %"),
        (0.0002, 1, "<0.1 %"),
        (0.99999, 2, ">99.99 %"),
        (0.001, 1, "0.1 %"),
        (0.999, 1, "99.9 %"),
    ],
)
def test_only_all_are_100_percent_and_only_none_0(share, digits, words):
    assert in_percent(share, digits) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "about 10 s"),
        (44, "about 40 s"),
        (94, "about 90 s"),
        (95, "about 2 min"),
        (3327, "about 55 min"),
        (3599, "about 1 h 00 min"),
        (3600, "about 1 h 00 min"),
        (5100, "about 1 h 20 min"),
        (5200, "about 1 h 30 min"),
    ],
)
def test_an_estimate_is_told_no_finer_than_it_is_known(seconds, words):
    assert about_in_words(seconds) == words
