"""Answer requests: the page, what the model is, what it sees in photos."""

import base64
import threading
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Request, Response

from data_pipeline.pixels.reading import ImageReader
from search.inference.classifier import Classifier, Prediction
from search.inference.heat_map import heat_layer
from search.serve.answerer import Answerer
from search.serve.limits import UploadLimits
from search.serve.local_app import LocalApp, as_json, page
from search.serve.uploads import Upload, is_form, received


@dataclass(frozen=True)
class Model:
    """A model and what it takes to ask it.

    Attributes:
        name: what the page calls it.
    """

    name: str
    classifier: Classifier
    reader: ImageReader
    answerer: Answerer


class App(LocalApp):
    """The WSGI application: answers requests with one model.

    Args:
        folder: where uploads lie while they are looked at.

    Attributes:
        answered: photos so far.
    """

    def __init__(self, model: Model, folder: Path, limits: UploadLimits) -> None:
        routes = {"/model": ("GET", self._describe), "/predict": ("POST", self._predict)}
        super().__init__({**page("page"), **routes})
        self._model = model
        self._folder = folder
        self._limits = limits
        self._waiting = threading.BoundedSemaphore(limits.waiting)
        self._stored = threading.BoundedSemaphore(limits.stored)
        self._counting = threading.Lock()
        self.answered = 0

    def _describe(self, request: Request) -> Response:
        classifier = self._model.classifier
        return as_json(
            {
                "name": self._model.name,
                "labels": classifier.class_names,
                "image_size": classifier.image_size,
                "resize_mode": classifier.resize_mode,
                "threshold": classifier.threshold,
                "heat": self._model.answerer.has_heat,
                "max_bytes": self._limits.max_bytes,
            }
        )

    def _predict(self, request: Request) -> Response:
        # Refused at once: a request that waits holds a thread, and these are bounded.
        if not self._waiting.acquire(blocking=False):
            raise ServiceUnavailable(
                f"{self._limits.waiting} requests wait already; come again in "
                f"{self._limits.retry_seconds} s",
                retry_after=self._limits.retry_seconds,
            )
        try:
            rows = self._rows(request)
        finally:
            self._waiting.release()
        # Requests have threads of their own, and `+=` is more than one step.
        with self._counting:
            self.answered += len(rows)
        unreadable = all(row["error"] for row in rows)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if unreadable else HTTPStatus.OK
        if not is_form(request):  # one photo was sent, so one answer is given, not a list
            return as_json(rows[0], status)
        return as_json({"error": rows[0]["error"], "files": rows} if unreadable else rows, status)

    def _rows(self, request: Request) -> list[dict[str, Any]]:
        heat = request.args.get("heat", "0") not in ("", "0")
        # The slot comes first: without one, nothing of the body is read or stored.
        with self._stored, received(request.environ, self._folder, self._limits) as uploads:
            return [self._row(upload, heat=heat) for upload in uploads]

    def _row(self, upload: Upload, *, heat: bool) -> dict[str, Any]:
        """Answer as `tune predict --json` does, with the heat map as a data URL if wanted."""
        path, classifier = Path(upload.name), self._model.classifier
        image = self._model.reader.read(upload.path)
        if isinstance(image, str):
            row = Prediction(path, error=image).row()
            return {**row, "heat": None} if heat else row
        answer = self._model.answerer.ask(image.pixels, heat=heat)
        row = classifier.to_prediction(path, answer.probabilities).row()
        if not heat:
            return row
        if answer.heat is None or row["error"]:
            return {**row, "heat": None}
        layer = heat_layer(
            answer.heat,
            size=image.size,
            resize_mode=classifier.resize_mode,
            image_size=classifier.image_size,
        )
        return {**row, "heat": f"data:image/png;base64,{base64.b64encode(layer).decode()}"}
