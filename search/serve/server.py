"""`tune serve`, from top to bottom: load, warm up, listen on localhost, answer until Ctrl-C."""

import errno
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from werkzeug.serving import ThreadedWSGIServer

from data_pipeline.pixels.reading import ImageReader
from search.errors import TuneError
from search.inference.classifier import Classifier, load_classifier
from search.process.printable import printable
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.serve.answerer import Answerer
from search.serve.app import App, Model
from search.serve.connection import Handler
from search.serve.limits import UploadLimits
from search.serve.local import ADDRESS
from search.serve.local_app import LocalApp

_BACKLOG = 1024  # connections that wait to be accepted
_POLL_SECONDS = 0.1


def serve(model: str, *, port: int, progress: ProgressSink) -> None:
    """Serve an exported folder, a .keras file or imagenet:BACKBONE until Ctrl-C.

    Raises:
        TuneError: no such model, or the port is taken.
        ModelError: the ImageNet weights cannot be had.
    """
    with listening(port) as listener:  # before the model is loaded: the port may be taken
        classifier = load_classifier(model)
        with StopSignal() as stop, serving(classifier, listener, name=_name(model)) as app:
            progress.message(
                f"{printable(model)} answers at {address_of(listener)} (Ctrl-C ends it)"
            )
            wait_for(stop)
        photos = "1 photo" if app.answered == 1 else f"{app.answered:,} photos"
        progress.message(f"ended; {photos} answered, none of them kept")


@contextmanager
def serving(
    classifier: Classifier,
    listener: socket.socket,
    *,
    name: str,
    limits: UploadLimits | None = None,
) -> Iterator[App]:
    """Answer on `listener` while this lasts; the model is warm when it begins."""
    limits = limits or UploadLimits()
    size, mode = classifier.image_size, classifier.resize_mode
    with (
        tempfile.TemporaryDirectory(prefix="tune-serve-") as folder,
        closing(Answerer(classifier)) as answerer,
        closing(ImageReader(image_size=size, resize_mode=mode)) as reader,
    ):
        app = App(Model(name, classifier, reader, answerer), Path(folder), limits)
        with answering(app, listener, limits):
            yield app


@contextmanager
def answering(app: LocalApp, listener: socket.socket, limits: UploadLimits) -> Iterator[None]:
    """Answer requests on `listener`, in threads, while this lasts."""
    server = _Server(listener, app, limits)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.end()
        thread.join()


def address_of(listener: socket.socket) -> str:
    """Give the address of the page."""
    return f"http://{ADDRESS}:{listener.getsockname()[1]}/"


def wait_for(stop: StopSignal) -> None:
    """Return when the server is told to stop."""
    while not stop.requested:
        time.sleep(_POLL_SECONDS)


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Open a port of this machine.

    Raises:
        TuneError: it is taken.
    """
    try:
        listener = socket.create_server((ADDRESS, port), backlog=_BACKLOG)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        taken = "is taken" if error.errno == errno.EADDRINUSE else "is not open to you"
        raise TuneError(
            f"port {port} {taken}; choose another --port, or 0 for any free one"
        ) from error
    with listener:
        yield listener


def _name(model: str) -> str:
    """Name the model after its run: all exports are called `export` or `model.keras`."""
    path = Path(model).resolve()
    path = path.parent if path.suffix == ".keras" else path
    says_which = model.startswith("imagenet:") or path.name != "export"
    return printable(model.removeprefix("imagenet:") if says_which else path.parent.name)


class _Server(ThreadedWSGIServer):
    """Werkzeug's server with a bounded number of threads; the rest waits to be accepted."""

    def __init__(self, listener: socket.socket, app: LocalApp, limits: UploadLimits) -> None:
        self._crowded = threading.Event()
        handler = type("Handler", (Handler,), {"limits": limits, "crowded": self._crowded})
        # By its descriptor: the port was opened before the model was loaded.
        super().__init__(ADDRESS, 0, app, handler, fd=listener.fileno())
        self._slots = threading.Semaphore(limits.waiting + limits.spare_threads)
        self._ending = False

    def end(self) -> None:
        """Accept no more connections; return when that is so."""
        self._ending = True
        self.shutdown()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread as soon as there is one."""
        # In short waits: `end` must not hang while slow clients hold all slots.
        while not self._slots.acquire(timeout=_POLL_SECONDS):
            self._crowded.set()
            if self._ending:
                self.shutdown_request(request)
                return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # This machine has no thread left.
            self._slots.release()  # no thread will do it
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then free the slot for the next connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()
            self._crowded.clear()  # set again as long as somebody waits
