"""Refuse requests of web pages from elsewhere; programs and pages of this machine may ask.

A page elsewhere can send requests to localhost, under a name of its own too that it has made
point here (DNS rebinding). The browser says in `Host` and `Origin` whom it speaks for.
"""

from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.exceptions import Forbidden

ADDRESS = "127.0.0.1"
_NAMES = (ADDRESS, "localhost")
_HTTP_PORT = 80  # which browsers leave out of `Host` and `Origin`

# Images besides the server's own: heat maps (data:) and photos chosen in the page (blob:).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def require_local(environ: dict[str, Any]) -> None:
    """Let a request pass only if it was meant for this server, by a page of its own or by none.

    Raises:
        Forbidden: another host's name, or another page's origin.
    """
    port = int(environ["SERVER_PORT"])
    hosts = {f"{name}:{port}" for name in _NAMES}
    if port == _HTTP_PORT:
        hosts |= set(_NAMES)
    host = environ.get("HTTP_HOST", "").lower()
    if host not in hosts:
        raise Forbidden(f"this server answers as {ADDRESS}:{port} only, not as {host or 'no host'}")
    # Programs send none, and browsers none when a page of this server is opened.
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin.lower() not in {f"http://{name}" for name in hosts}:
        raise Forbidden(f"pages of {origin} may not use this server")


def protect(headers: Headers) -> None:
    """Tell the browser to load nothing from elsewhere, and to show this to nobody else."""
    headers.extend(_HEADERS)
