"""The test images: what is measured on them, and how often they were looked at."""

import numpy as np
import pytest
from finished_runs import finished_run

from search.evaluation.calibration import with_temperature
from search.evaluation.intervals import wilson_interval
from search.evaluation.metrics import measure
from search.export.test_set import open_test_set
from search.process.atomic_files import write_json


@pytest.fixture
def run(scratch, tmp_path):
    return finished_run(scratch, tmp_path, [])


class Answers:
    """A model that says what it was told to, [1] of the second class, by the image's number."""

    def __init__(self, run, second):
        self.second = {
            run.pixels[row].tobytes(): p for row, p in zip(run.test, second, strict=True)
        }

    def predict_on_batch(self, pictures):
        return np.array([[self.second[picture.tobytes()]] for picture in pictures], np.float32)


def test_a_measurement_has_all_that_a_reader_needs():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    found = measure(probabilities, np.array([0, 1, 1]), ("cat", "dog"))
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.accuracy_interval == wilson_interval(2, 3)
    assert found.confusion_matrix == [[1, 0], [1, 1]]
    assert found.class_counts == {"cat": 1, "dog": 2}
    assert found.majority_class_accuracy == pytest.approx(2 / 3)
    assert found.ece == pytest.approx((0.1 + 0.6 + 0.2) / 3)


def test_the_test_images_are_measured_and_looks_are_counted(run):
    targets = run.targets[run.test]
    second = np.where(targets == 1, 0.9, 0.3)
    second[0] = 1 - second[0]  # one mistake
    model = Answers(run, second)
    found, predictions = open_test_set(run, model, temperature=2.0, threshold=None)
    assert predictions[:, 1] == pytest.approx(second)
    assert found.images == len(run.test)
    assert found.accuracy == pytest.approx(1 - 1 / len(run.test))
    assert (found.test_set_opened, found.abstain) == (1, None)
    assert {row.name for row in found.slices} >= {"PNG"}
    again = open_test_set(run, model, temperature=2.0, threshold=None).figures
    assert again.test_set_opened == 2
    # A count that is lost does not begin again: the last export knows it too.
    write_json(run.run.metrics, {"lock_box_opened": 2})
    for damaged in (None, "{", '{"opened": "many"}'):
        file = run.run.path / "lock_box.json"
        file.unlink() if damaged is None else file.write_text(damaged)
        again = open_test_set(run, model, temperature=2.0, threshold=None).figures
        assert again.test_set_opened == 3


def test_calibration_is_shown_against_the_model_before_it(run):
    targets = run.targets[run.test]
    raw = np.where(targets == 1, 0.99, 0.01)
    raw[:2] = 1 - raw[:2]  # too sure of two mistakes
    both = np.stack([1 - raw, raw], axis=1)
    cooled = with_temperature(both, 3.0)
    model = Answers(run, cooled[:, 1])
    found = open_test_set(run, model, temperature=3.0, threshold=None).figures
    assert found.ece == pytest.approx(measure(cooled, targets, ("a", "b")).ece, abs=1e-5)
    before = measure(both, targets, ("a", "b")).ece
    assert found.ece_uncalibrated == pytest.approx(before, abs=1e-4)


def test_with_a_threshold_it_says_what_is_answered(run):
    targets = run.targets[run.test]
    sure = np.arange(len(targets)) % 2 == 0
    second = np.where(targets == 1, np.where(sure, 0.95, 0.6), np.where(sure, 0.05, 0.4))
    found = open_test_set(run, Answers(run, second), temperature=1.0, threshold=0.8).figures
    assert found.abstain.coverage == pytest.approx(sure.mean())
    assert found.abstain.precision == 1.0
