"""Serve the page on which suspected labels are decided about, until Ctrl-C."""

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Request, Response

from data_pipeline.listing.corrections import Correction
from search.process.printable import printable
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.process.wording import counted
from search.serve.decisions import Decisions, Question
from search.serve.limits import UploadLimits
from search.serve.local_app import LocalApp, as_json, page
from search.serve.server import address_of, answering, wait_for

_MAX_BYTES = 4096  # of a decision


class LabelsApp(LocalApp):
    """The WSGI application: shows images, takes decisions about their labels.

    Args:
        run: name of the run.
        questions: the images in doubt, worst first.
        class_names: labels that there are.
        decisions: about these images.
    """

    def __init__(
        self,
        run: str,
        questions: Sequence[Question],
        class_names: Sequence[str],
        decisions: Decisions,
    ) -> None:
        routes: dict[str, tuple[str, Callable[[Request], Response]]] = {
            "/questions": ("GET", self._list),
            "/image": ("GET", self._image),
            "/decide": ("POST", self._decide),
            "/undo": ("POST", self._undo),
        }
        super().__init__({**page("labels"), **routes})
        self._run, self._questions = run, questions
        self._class_names, self._decisions = class_names, decisions

    def _list(self, request: Request) -> Response:
        rows = [
            {
                "path": printable(each.path),
                "label": each.label,
                "likelier": each.likelier,
                "shares": each.shares,
                "split": each.split,
            }
            for each in self._questions
        ]
        about = {"run": self._run, "classes": list(self._class_names), "questions": rows}
        return as_json(about | self._state())

    def _image(self, request: Request) -> Response:
        number = self._number(request.args.get("number"))
        return Response(self._questions[number].image, mimetype="image/jpeg")

    def _decide(self, request: Request) -> Response:
        given = _body(request)
        number, label = self._number(given.get("number")), given.get("label")
        if label != "" and label not in self._class_names:
            raise BadRequest('received no label of the data set; expected one, or "" to set aside')
        self._decisions.decide(number, str(label))
        return as_json(self._state())

    def _undo(self, request: Request) -> Response:
        _body(request)
        self._decisions.undo()
        return as_json(self._state())

    def _state(self) -> dict[str, Any]:
        decisions = self._decisions
        return {
            "decided": [decisions.of(number) for number in range(len(self._questions))],
            "undo": decisions.open_to_undo,
            "file": printable(decisions.file),
        }

    def _number(self, given: Any) -> int:
        try:
            number = int(given)
        except (TypeError, ValueError) as error:
            raise BadRequest("received no number of an image") from error
        if not 0 <= number < len(self._questions):
            raise NotFound("there is no image of that number")
        return number


def _body(request: Request) -> dict[str, Any]:
    """Read the JSON object that was sent; a form of another page cannot send one."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("expected JSON")
    if request.content_length is None or request.content_length > _MAX_BYTES:
        raise RequestEntityTooLarge(f"expected {_MAX_BYTES} bytes at most, with their number")
    try:
        given = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError) as error:
        raise BadRequest("received no JSON") from error
    if not isinstance(given, dict):
        raise BadRequest("expected an object")
    return given


def serve_labels(
    run: str,
    questions: Sequence[Question],
    class_names: Sequence[str],
    *,
    file: Path,
    earlier: Mapping[str, Correction],
    following: str,
    listener: socket.socket,
    progress: ProgressSink,
) -> None:
    """Let somebody decide about labels on a page of this machine, until Ctrl-C.

    Args:
        run: name of the run.
        questions: the images in doubt, worst first.
        class_names: labels that there are.
        file: of corrections, to which decisions are added.
        earlier: corrections that the run was begun with.
        following: the command that applies the file.
        listener: of the page.
        progress: told the address, and what was decided.

    Raises:
        DataError: `file` is there, and is none of corrections.
    """
    decisions = Decisions(file, questions, earlier)
    app = LabelsApp(run, questions, class_names, decisions)
    with (
        StopSignal() as stop,
        answering(app, listener, UploadLimits()),
    ):
        what, where = counted(len(questions), "label"), address_of(listener)
        progress.message(f"decide about {what} at {where} (Ctrl-C ends it)")
        wait_for(stop)
    kept, relabelled, aside = decisions.counts()
    progress.message(
        f"{counted(relabelled, 'label')} corrected, {counted(aside, 'image')} set aside, "
        f"{kept:,} kept as they are"
    )
    if relabelled or aside:
        progress.message(f"next: {printable(following)}")
