"""One training: its batches, phases and seeds."""

import numpy as np
import pytest
from small_trials import values_for

from search.trial.keras_setup import configuration_seed
from search.trial.predictions import EVALUATION_BATCH, predict_rows
from search.trial.training import Training, phase_ranges


def training(experiment, *, images, batch_size):
    values = values_for(experiment, "cnn", batch_size=batch_size)
    return Training(experiment, values, np.arange(images), seed=0)


@pytest.mark.parametrize(
    ("images", "asked", "batch_size"),
    [(1, 32, 8), (8, 8, 8), (9, 64, 16), (24, 64, 24), (31, 64, 32), (31, 16, 16), (100, 64, 64)],
)
def test_a_batch_is_a_multiple_of_8_where_there_are_fewer_images_than_asked_for(
    scratch, images, asked, batch_size
):
    assert training(scratch, images=images, batch_size=asked).batch_size == batch_size


@pytest.mark.parametrize(("images", "steps"), [(13, 1), (17, 1), (24, 1)])
def test_every_batch_of_a_stream_has_one_shape_a_multiple_of_8(scratch, images, steps):
    few = training(scratch, images=images, batch_size=64)
    shapes = [x.shape for x, _ in few.batches(0, 3).take(3 * few.steps)]
    assert few.steps == steps
    assert set(shapes) == {(few.batch_size, 16, 16, 3)}
    assert few.batch_size % 8 == 0
    assert images <= few.batch_size < images + 8


@pytest.mark.parametrize(
    ("starts", "epochs", "cut"),
    [
        ((0,), (0, 3), [(0, (0, 3))]),
        ((0, 3), (0, 3), [(0, (0, 3))]),
        ((0, 3), (0, 9), [(0, (0, 3)), (1, (3, 9))]),
        ((0, 3), (1, 4), [(0, (1, 3)), (1, (3, 4))]),
        ((0, 3), (3, 9), [(1, (3, 9))]),
        ((0, 3), (2, 2), []),
    ],
)
def test_epochs_are_cut_where_a_phase_starts(starts, epochs, cut):
    assert phase_ranges(starts, *epochs) == cut


def test_a_seed_is_the_same_on_every_rung_and_another_for_each_repeat_and_configuration():
    seed = configuration_seed(7, "0003")
    assert seed == configuration_seed(7, "0003", repeat=0) == configuration_seed(7, "3")
    others = {
        configuration_seed(7, "0004"),
        configuration_seed(8, "0003"),
        configuration_seed(7, "0003", repeat=1),
        configuration_seed(7, "0003", repeat=2),
    }
    assert len(others | {seed}) == 5


class Echo:
    """Answers with the first two values of each row; notes the size of each batch."""

    def __init__(self):
        self.sizes = []

    def predict_on_batch(self, batch):
        self.sizes.append(len(batch))
        return batch[:, :2].astype(np.float32)


@pytest.mark.parametrize("count", [1, EVALUATION_BATCH, EVALUATION_BATCH + 1, 150])
def test_predictions_stand_in_the_order_of_the_rows_and_every_batch_has_one_size(count):
    pixels = np.arange(2 * 200).reshape(200, 2)
    rows = np.random.default_rng(0).permutation(200)[:count]
    echo = Echo()
    np.testing.assert_array_equal(predict_rows(echo, pixels, rows), pixels[rows])
    assert set(echo.sizes) == {EVALUATION_BATCH}
    assert len(echo.sizes) == -(-count // EVALUATION_BATCH)
