import os

from search.observers.plots import confusion_image

ODD = [os.fsdecode(b"caf\xe9"), "new\nline", "$\\frac$ 5", "\x1b[2J", "x" * 250]


def test_a_confusion_matrix_can_be_drawn_for_any_names():
    matrix = [[1] * len(ODD)] * len(ODD)
    assert confusion_image(matrix, tuple(ODD)).ndim == 3
