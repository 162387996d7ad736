import numpy as np
import pytest

from search.errors import TuneError
from search.formats.latency import Latency
from search.formats.measuring import Measured
from search.formats.parity import check, require
from search.formats.registry import FORMATS


def measured(probabilities, **figures):
    defaults = {
        "latency": Latency(median=0.0069, p95=0.012),
        "peak_memory": 65_000_000,
        "size": 7_660_000,
        "load_seconds": 0.05,
    }
    return Measured(np.asarray(probabilities, np.float32), **(defaults | figures))


def two_columns(second):
    second = np.asarray(second, np.float32)
    return np.stack([1 - second, second], axis=1)


EXPECTED = two_columns(np.linspace(0.05, 0.95, 40))  # no two closest to 0.5 within 0.02


def parity(given, name="litert", expected=EXPECTED):
    return check({name: measured(given)}, expected)[0]


def test_a_file_that_answers_as_the_model_does_passes():
    found = parity(EXPECTED + np.float32(2e-5))
    assert found.difference == pytest.approx(2e-5, rel=0.01)
    assert found.agreement == 1
    require([found])


def test_one_probability_past_the_limit_fails_a_float_file():
    given = EXPECTED.copy()
    given[7] += (-0.002, 0.002)
    with pytest.raises(TuneError, match=r"model\.tflite .*off by 0\.002, at most 0\.0003"):
        require([parity(given)])


def test_every_label_of_a_float_file_must_agree():
    """Three classes: a difference below the limit of a probability cannot flip a label alone."""
    expected = np.array([[0.5, 0.4975, 0.0025]] * 10, np.float32)
    given = expected.copy()
    given[0] = given[0, [1, 0, 2]]
    found = parity(given, expected=expected)
    assert found.agreement == 0.9
    assert "90.0 % of the labels agree, at least 100 %" in found.problems
    with pytest.raises(TuneError, match="nothing exported"):
        require([found])


def test_a_tie_of_the_model_does_not_count_against_a_file():
    expected = two_columns([0.4999, 0.9])
    found = parity(two_columns([0.5001, 0.9]), expected=expected)
    assert found.agreement == 1
    require([found])


def test_an_int8_file_may_be_off_where_a_float_file_may_not():
    given = two_columns(np.linspace(0.05, 0.95, 40) + np.where(np.arange(40) == 3, 0.3, 0.01))
    require([parity(given, "litert-int8")])
    with pytest.raises(TuneError):
        require([parity(given, "litert")])


def test_an_int8_file_with_too_many_other_labels_fails():
    expected = two_columns(np.full(20, 0.6))
    given = two_columns(np.where(np.arange(20) < 2, 0.49, 0.6))
    found = parity(given, "litert-int8", expected)
    assert (found.agreement, found.mean < 0.05) == (0.9, True)
    with pytest.raises(TuneError, match=r"model-int8\.tflite .*90\.0 % .*without --int8"):
        require([found])


def test_an_int8_file_that_is_off_on_average_fails_though_its_labels_agree():
    expected = two_columns(np.full(20, 0.9))
    found = parity(two_columns(np.full(20, 0.8)), "litert-int8", expected)
    assert found.agreement == 1
    with pytest.raises(TuneError, match="on average"):
        require([found])


def at_threshold(name, of_file, of_model):
    """A file, and a model, of whose 20 answers so many reach a threshold of 0.8."""
    given, expected = (
        two_columns(np.where(np.arange(20) < n, 0.81, 0.79)) for n in (of_file, of_model)
    )
    return check({name: measured(given)}, expected, threshold=0.8)[0]


def test_an_int8_file_may_move_few_answers_over_the_threshold():
    require([at_threshold("litert-int8", 19, 20)])
    found = at_threshold("litert-int8", 18, 20)
    assert found.answered == (0.9, 1.0)
    with pytest.raises(
        TuneError, match=r"int8\.tflite \(90\.0 % of the images reach .* 100\.0 %\)"
    ):
        require([found])
    given = two_columns(np.where(np.arange(20) < 18, 0.81, 0.79))
    require([parity(given, "litert-int8", two_columns(np.full(20, 0.81)))])  # without a threshold


def test_a_float_file_is_held_to_its_probabilities_alone():
    """Of a model that is sure of all, thousands may lie within rounding of the threshold."""
    given, expected = two_columns(np.full(20, 0.79999)), two_columns(np.full(20, 0.80001))
    (found,) = check({"litert": measured(given)}, expected, threshold=0.8)
    assert found.answered == (0.0, 1.0)
    assert found.problems == []
    off = given + np.float32([0.001, -0.001])
    (found,) = check({"litert": measured(off)}, expected, threshold=0.8)
    assert ["off by" in problem for problem in found.problems] == [True, True]


@pytest.mark.parametrize("name", FORMATS)
def test_answers_that_are_no_numbers_fail(name):
    given = EXPECTED.copy()
    given[3] = np.nan
    with pytest.raises(TuneError, match="nan"):
        require([parity(given, name)])


def test_all_wrong_files_are_named_and_no_other():
    wrong, right = measured(EXPECTED[::-1]), measured(EXPECTED)
    found = check({"keras": right, "litert": wrong, "onnx": wrong}, EXPECTED)
    with pytest.raises(TuneError) as error:
        require(found)
    assert "model.tflite" in str(error.value)
    assert "without --format litert and --format onnx" in str(error.value)
    assert "keras" not in str(error.value)


@pytest.mark.parametrize("given", [EXPECTED[:-1], EXPECTED[:, :1]])
def test_another_number_of_answers_is_an_error_at_once(given):
    with pytest.raises(TuneError, match=r"model\.tflite: answers .* expected \[40, 2\]"):
        parity(given)


def test_a_row_holds_plain_figures():
    row = parity(EXPECTED).figures()
    assert (row.format, row.file, row.size) == ("litert", "model.tflite", 7_660_000)
    assert (row.latency_median, row.peak_memory) == (0.0069, 65_000_000)
    assert (row.largest_difference, row.agreement) == (0.0, 1.0)
    assert row.others_load is None
    busy = check({"litert": measured(EXPECTED, latency=Latency(0.01, 0.02, 0.7))}, EXPECTED)
    assert busy[0].figures().others_load == 0.7


def test_of_two_that_are_nearly_tied_either_will_do_and_no_third():
    expected = np.array([[0.48, 0.47, 0.05]], np.float32)
    other, third = (np.array([row], np.float32) for row in ([0.47, 0.48, 0.05], [0.4, 0.1, 0.5]))
    assert parity(other, "litert-int8", expected).agreement == 1.0
    assert parity(third, "litert-int8", expected).agreement == 0.0


def test_an_int8_file_of_many_classes_is_held_to_what_it_moves_between_them():
    expected = np.full((4, 100), 0.01, np.float32)
    given = np.zeros((4, 100), np.float32)
    given[:, 7] = 1.0
    found = parity(given, "litert-int8", expected)
    assert found.mean == pytest.approx(0.99, abs=1e-5)
    with pytest.raises(TuneError, match="on average"):
        require([found])
