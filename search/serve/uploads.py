"""Stream the photos of a request to files: their number and size are bounded, memory is flat."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    RequestEntityTooLarge,
    RequestTimeout,
)
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Request

from search.serve.limits import UploadLimits

FIELD = "file"
UNNAMED = "upload"  # what a photo without a name is called
_CHUNK = 2**16
_FORM = "multipart/form-data"


@dataclass(frozen=True)
class Upload:
    """A photo that was sent, as a file."""

    name: str
    path: Path


def is_form(request: Request) -> bool:
    """Say whether the body is a form with files, rather than one photo's bytes."""
    return request.mimetype == _FORM


@contextmanager
def received(environ: dict[str, Any], folder: Path, limits: UploadLimits) -> Iterator[list[Upload]]:
    """Give the photos of a request, one or more, on the disk while inside.

    Raises:
        BadRequest: there is none, or the connection broke.
        RequestEntityTooLarge: by its Content-Length before anything is read, or while it is.
        RequestTimeout: it came too slowly.
    """
    with tempfile.TemporaryDirectory(dir=folder) as own:
        request = _request_into(Path(own), limits)(environ)
        try:
            uploads = _of_form(request) if is_form(request) else _of_body(request, Path(own))
        except UnicodeDecodeError as error:
            raise BadRequest(
                "received a form with a file name that is no UTF-8; expected UTF-8, or the bytes "
                "of a photo alone"
            ) from error
        except ValueError as error:
            raise BadRequest(f"received a form that cannot be read ({error})") from error
        except RequestEntityTooLarge as error:
            raise RequestEntityTooLarge(
                f"received too much; expected {limits.max_bytes / 2**20:g} MiB and "
                f"{limits.max_files} files at most"
            ) from error
        except ClientDisconnected as error:
            # Werkzeug calls a timeout a broken connection too; the cause tells which it was.
            if not isinstance(error.__context__, TimeoutError):
                raise
            raise RequestTimeout(
                f"received too little; expected {limits.least_rate / 2**10:g} KiB per second "
                f"after the first {limits.patience_seconds:g} s, all within "
                f"{limits.sending_seconds:g} s, without a pause of {limits.idle_seconds:g} s"
            ) from error
        finally:
            request.close()
        if not uploads:
            raise BadRequest(
                "received nothing; expected the bytes of a photo, or a form with photos in its "
                f"field {FIELD!r}"
            )
        yield uploads


def _request_into(folder: Path, limits: UploadLimits) -> type[Request]:
    """Make a class of requests that keep a form's files in `folder`."""

    class _Stored(Request):
        max_content_length = limits.max_bytes
        max_form_parts = limits.max_files

        def make_form_data_parser(self) -> FormDataParser:
            parser = super().make_form_data_parser()
            parser.silent = False  # a form that cannot be read is not an empty one
            return parser

        # Werkzeug's hook for where a file of a form goes: by default small ones stay in memory.
        def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
            # Kept when the request is closed: it is read after that, and goes with its folder.
            return tempfile.NamedTemporaryFile(dir=folder, delete=False)

    return _Stored


def _of_form(request: Request) -> list[Upload]:
    uploads = []
    for storage in request.files.getlist(FIELD):
        storage.stream.flush()
        # A browser sends a nameless, empty file where none was chosen.
        if storage.filename or storage.stream.seek(0, 2):
            name = storage.filename or UNNAMED
            uploads.append(Upload(name, Path(storage.stream.name)))
    return uploads


def _of_body(request: Request, folder: Path) -> list[Upload]:
    path = folder / UNNAMED
    with path.open("wb") as file:
        while chunk := request.stream.read(_CHUNK):
            file.write(chunk)
        size = file.tell()
    return [Upload(UNNAMED, path)] if size else []
