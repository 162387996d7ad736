import pytest

from search.process.wording import duration_in_words


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
