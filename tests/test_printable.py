import os

import pytest

from search.process.printable import printable

ODD = [os.fsdecode(b"caf\xe9"), "new\nline", "$\\frac$ 5", "\x1b[2J", "x" * 250]


def test_text_stays_as_it_is():
    assert printable("Häschen 猫 $5 'a'.png") == "Häschen 猫 $5 'a'.png"


@pytest.mark.parametrize("name", ODD)
def test_every_name_is_one_line_that_can_be_printed(name):
    assert printable(name).isprintable()
    printable(name).encode()


def test_names_that_differ_stay_different():
    assert len({printable(name) for name in ["a\nb", "a\tb", os.fsdecode(b"a\xe9b"), "aéb"]}) == 4
