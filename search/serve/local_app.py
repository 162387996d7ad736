"""Answer requests of this machine: a table of routes, files of the page, refusals as JSON."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, ServiceUnavailable
from werkzeug.wrappers import Request, Response

from data_pipeline.errors import DataError
from search.errors import TuneError
from search.serve.local import protect, require_local

Route = tuple[str, Callable[[Request], Response]]
_ASSETS = Path(__file__).parent / "assets"


class LocalApp:
    """A WSGI application for pages and programs of this machine.

    Args:
        routes: the method that each path takes, and what answers it.
    """

    def __init__(self, routes: dict[str, Route]) -> None:
        self._routes = routes

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        try:
            # First: of what a page elsewhere sends, no body is read.
            require_local(environ)
            response = self._respond(Request(environ))
        except HTTPException as error:
            response = _refusal(error)
        except (DataError, TuneError) as error:  # no worker to be had, or the server is ending
            response = _refusal(ServiceUnavailable(str(error)))
        except Exception:
            # The failure of one request is told on the terminal; the server goes on.
            logging.getLogger(__name__).exception("a request failed")
            problem = "the server failed at this; see its terminal"
            response = as_json({"error": problem}, HTTPStatus.INTERNAL_SERVER_ERROR)
        # Refusals are answers too, and a browser shows them.
        protect(response.headers)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if request.path not in self._routes:
            raise NotFound(f"no such page; there are {', '.join(self._routes)}")
        method, answer = self._routes[request.path]
        # HEAD is allowed wherever GET is, as HTTP has it.
        if request.method != method and (method, request.method) != ("GET", "HEAD"):
            raise MethodNotAllowed([method], f"expected {method}, received {request.method}")
        return answer(request)


def page(name: str) -> dict[str, Route]:
    """Make the routes of a page, its style and its script.

    Args:
        name: of the files in the folder of assets, without ending.
    """
    # A table, not a folder: no path that is sent is ever looked up on the disk.
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
    routes = {f"/{name}.{kind}": ("GET", _file(f"{name}.{kind}", kinds[kind])) for kind in kinds}
    return {"/": routes.pop(f"/{name}.html"), **routes}


def as_json(value: Any, status: int = HTTPStatus.OK) -> Response:
    """Answer with JSON."""
    # NaN is no JSON, and the page could not read the answer.
    text = json.dumps(value, allow_nan=False) + os.linesep
    return Response(text, status=status, mimetype="application/json")


def _file(name: str, mimetype: str) -> Callable[[Request], Response]:
    return lambda request: Response((_ASSETS / name).read_bytes(), mimetype=mimetype)


def _refusal(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    response = as_json({"error": error.description or HTTPStatus(status).phrase}, status)
    # The other headers describe the page that Werkzeug would have sent instead of JSON.
    kept = {"Allow", "Retry-After"}
    response.headers.extend([pair for pair in error.get_headers() if pair[0] in kept])
    return response
