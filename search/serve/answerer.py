"""Ask the model in one thread: questions that wait meanwhile are answered together."""

import logging
import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from search.errors import TuneError
from search.inference.classifier import Classifier

# Images that the model is given at once; what lies between is padded, so that TensorFlow traces
# each size once and never again. No more than 16 come together: `UploadLimits.stored`.
BATCHES = (1, 4, 16)


@dataclass(frozen=True)
class Answer:
    """What the model says of one image.

    Attributes:
        probabilities: float32 [classes].
        heat: float32 [rows, columns], 0–1, where in the image it sees its answer; None if that
            was not asked for, or the model has no map.
    """

    probabilities: NDArray[np.float32]
    heat: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class _Question:
    pixels: NDArray[np.uint8]
    heat: bool
    answer: Future[Answer] = field(default_factory=Future)


class Answerer:
    """Answer questions of any number of threads; only its own thread touches the model.

    The model has answered once in each size when this returns, so that nobody waits for it.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._explain = _grad_cam(classifier.model)
        self._waiting: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._warm_up()
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    @property
    def has_heat(self) -> bool:
        """Say whether the model has a feature map to look at."""
        return self._explain is not None

    def ask(self, pixels: NDArray[np.uint8], *, heat: bool) -> Answer:
        """Wait for the answer to one image.

        Args:
            pixels: uint8 [height, width, 3], as the model takes it.
            heat: whether to say where in the image the answer comes from.

        Raises:
            TuneError: `close` was called.
        """
        question = _Question(pixels, heat and self.has_heat)
        with self._closing:  # else a question could be put behind the end, and wait for ever
            if self._closed:
                raise TuneError("the server is ending")
            self._waiting.put(question)
        return question.answer.result()

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        with self._closing:
            self._closed = True
            # Behind the last question, so that all that wait are answered first.
            self._waiting.put(None)
        self._thread.join()

    def _warm_up(self) -> None:
        blank = np.zeros((BATCHES[-1], *self._classifier.image_size, 3), np.uint8)
        for size in BATCHES:
            self._answers(blank[:size], heat=False)
        if self.has_heat:
            # `GradCam` has two sizes of its own, one image and several: two calls trace both.
            for size in BATCHES[:2]:
                self._answers(blank[:size], heat=True)

    def _run(self) -> None:
        more = True
        while more:
            questions, more = self._gather()
            # Plain answers first: they need not wait for the gradients of the others.
            for heat in (False, True):
                if alike := [question for question in questions if question.heat == heat]:
                    self._answer(alike, heat=heat)

    def _gather(self) -> tuple[list[_Question], bool]:
        """Wait for a question, and take those that wait with it; say whether more may come."""
        questions: list[_Question] = []
        try:
            while len(questions) < BATCHES[-1]:
                # Waits for the first one alone; of the others it takes what is already there.
                question = self._waiting.get(block=not questions)
                if question is None:
                    return questions, False
                questions.append(question)
        except queue.Empty:
            pass
        return questions, True

    def _answer(self, questions: list[_Question], *, heat: bool) -> None:
        try:
            answers = self._answers(
                np.stack([question.pixels for question in questions]), heat=heat
            )
        except Exception as error:
            # Keras and TensorFlow may raise anything; only these questions fail by it.
            logging.getLogger(__name__).exception("the model failed")
            for question in questions:
                question.answer.set_exception(error)
            return
        for question, answer in zip(questions, answers, strict=True):
            question.answer.set_result(answer)

    def _answers(self, pixels: NDArray[np.uint8], *, heat: bool) -> list[Answer]:
        if heat:
            return [Answer(*pair) for pair in zip(*self._explain(pixels), strict=True)]
        size = next(size for size in BATCHES if size >= len(pixels))
        padded = np.resize(pixels, (size, *pixels.shape[1:]))
        return [Answer(row) for row in self._classifier.probabilities(padded)[: len(pixels)]]


def _grad_cam(model: Any) -> Any:
    from models.grad_cam import GradCam

    try:
        return GradCam(model)
    except ModelError:  # no feature map: such a model answers without heat
        return None
