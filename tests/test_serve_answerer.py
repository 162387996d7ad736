"""The one thread that asks the model, for all the others."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from served import SIZE, small_classifier
from waiting import wait_until

from search.errors import TuneError
from search.serve.answerer import Answerer


class Brightness:
    """A model that takes no batch before it is told to go on."""

    def __init__(self):
        self.sizes, self.inside, self.go_on = [], threading.Lock(), threading.Event()

    def predict_on_batch(self, pixels):
        assert self.inside.acquire(blocking=False), "two threads in the model"
        self.sizes.append(len(pixels))
        assert self.go_on.wait(20)
        self.inside.release()
        light = pixels.reshape(len(pixels), -1).mean(axis=1) / 255
        return np.stack([1 - light, light], axis=1)


@pytest.fixture
def answerer():
    """Asks `Brightness`."""
    classifier = small_classifier()
    answerer = Answerer(classifier)
    object.__setattr__(classifier, "model", Brightness())
    yield answerer
    classifier.model.go_on.set()
    answerer.close()


def picture(level):
    return np.full((*SIZE, 3), level, np.uint8)


def test_what_waits_is_answered_together_in_sizes_that_are_known(answerer):
    model = answerer._classifier.model
    with ThreadPoolExecutor(101) as pool:

        def ask(level):
            return pool.submit(answerer.ask, picture(level), heat=False)

        first = ask(0)
        wait_until(lambda: model.sizes)
        rest = [ask(level) for level in range(1, 101)]
        wait_until(lambda: answerer._waiting.qsize() == 100)
        model.go_on.set()
        for level, answer in enumerate([first, *rest]):
            assert answer.result(20).probabilities[1] == pytest.approx(level / 255)
    assert model.sizes == [1, *[16] * 6, 4]


def test_who_asks_at_the_end_is_told_so_and_nobody_waits_for_ever(answerer):
    answered, told = threading.Event(), []
    answerer._classifier.model.go_on.set()

    def ask_on():
        try:
            while answerer.ask(picture(0), heat=False):
                answered.set()
        except TuneError as error:
            told.append(str(error))

    threads = [threading.Thread(target=ask_on, daemon=True) for _ in range(32)]
    for thread in threads:
        thread.start()
    assert answered.wait(20)
    answerer.close()
    for thread in threads:
        thread.join(20)
    assert told == ["the server is ending"] * 32
