"""Limit how long a connection may take to send its request, and end one that is refused."""

import io
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from werkzeug.serving import WSGIRequestHandler

from search.serve.limits import UploadLimits

_CHUNK = 2**16
_LOOK_AGAIN_SECONDS = 0.25


class Handler(WSGIRequestHandler):
    """Handle a connection; it logs nothing, and does not tell clients what it is made of.

    Attributes:
        limits, crowded: set by a subclass, since the server makes a handler for each connection;
            how long it may take, and whether others wait for a thread.
    """

    limits: UploadLimits
    crowded: threading.Event
    _refused = False

    def setup(self) -> None:
        """Prepare to read what the client sends, with limits."""
        super().setup()
        self._incoming = _Incoming(self.connection, self.limits, self.crowded)
        self.rfile = io.BufferedReader(self._incoming)

    def make_environ(self) -> dict[str, Any]:
        """Make the WSGI environment that the application gets."""
        environ = super().make_environ()
        self._incoming.head_has_come()
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

    def __init__(
        self, connection: socket.socket, limits: UploadLimits, crowded: threading.Event
    ) -> None:
        self._connection, self._limits, self._crowded = connection, limits, crowded
        self._waited, self._received, self._head = 0.0, 0, True

    def head_has_come(self) -> None:
        """From here on the client has the time of a body."""
        self._head = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        idle = 0.0
        try:
            while True:
                if idle >= self._limits.idle_seconds or self._waited >= self._allowed():
                    raise TimeoutError
                start = time.monotonic()
                # In short waits, since it may become crowded meanwhile.
                self._connection.settimeout(_LOOK_AGAIN_SECONDS)
                try:
                    count = self._connection.recv_into(buffer)
                except TimeoutError:
                    count = -1
                passed = time.monotonic() - start
                self._waited, idle = self._waited + passed, idle + passed
                if count >= 0:
                    self._received += count
                    return count
        finally:
            self._connection.settimeout(self._limits.idle_seconds)  # the answer has its own time

    def _allowed(self) -> float:
        """Seconds that a client may be waited for, by what it has sent so far."""
        limits = self._limits
        if self._head:
            return limits.crowded_seconds if self._crowded.is_set() else limits.head_seconds
        patience = limits.patience_seconds + self._received / limits.least_rate
        return min(patience, limits.sending_seconds)
