"""Limit how long a connection may take to send its request, and end one that is refused."""

import io
import socket
import time
from contextlib import suppress
from typing import Any

from werkzeug.serving import WSGIRequestHandler

from search.serve.limits import UploadLimits

_CHUNK = 2**16


class Handler(WSGIRequestHandler):
    """Handle a connection; it logs nothing, and does not tell clients what it is made of.

    Attributes:
        limits: set by a subclass, since the server makes a handler for each connection.
    """

    limits: UploadLimits
    _refused = False

    def setup(self) -> None:
        """Prepare to read what the client sends, with limits."""
        super().setup()
        self.rfile = io.BufferedReader(_Incoming(self.connection, self.limits))

    def make_environ(self) -> dict[str, Any]:
        """Make the WSGI environment that the application gets."""
        environ = super().make_environ()
        # Werkzeug reads what is left of a request after the answer, up to 10 GB for as long as it
        # takes: there is nothing here to read.
        self.rfile = io.BytesIO()
        return environ

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin the answer, and remember whether it is a refusal."""
        self._refused = code >= 400
        super().send_response(code, message)

    def run_wsgi(self) -> None:
        """Answer the request; give a client that is refused time to read why."""
        super().run_wsgi()
        if self._refused:
            self._see_off()

    def _see_off(self) -> None:
        """Let a client that is still sending read the answer; else it would see a reset."""
        end, left = time.monotonic() + self.limits.parting_seconds, self.limits.parting_bytes
        with suppress(OSError):  # the client has gone, or was silent until the time was up
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (seconds := end - time.monotonic()) > 0:
                self.connection.settimeout(seconds)
                received = len(self.connection.recv(_CHUNK))
                left = left - received if received else 0

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: one line per request would fill the terminal."""

    def version_string(self) -> str:
        """Give the header `Server`, without versions of libraries."""
        return "tune"


class _Incoming(io.RawIOBase):
    """Read what a client sends. Only the time of waiting for it counts."""

    def __init__(self, connection: socket.socket, limits: UploadLimits) -> None:
        self._connection = connection
        self._idle_seconds = limits.idle_seconds
        self._left = limits.sending_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise TimeoutError
        start = time.monotonic()
        self._connection.settimeout(min(self._idle_seconds, self._left))
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._left -= time.monotonic() - start
            self._connection.settimeout(self._idle_seconds)  # the answer has its own time
