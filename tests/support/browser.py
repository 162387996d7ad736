"""Pages in headless Chromium: what they show, what they complain of, and what they ask for.

A test takes the fixture `browser` (of conftest.py), opens a page, and looks:

    with opened(browser, tmp_path / "page.html", width=800, dark=True) as shown:
        assert shown.page.inner_text("h1") == "Report"
        assert_quiet(shown)
"""

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What a page asks for outside is seen and goes nowhere: the gate needs no network.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
ABSENT = "no Chromium here; install it with: apt-get install chromium"
HERE = ("localhost", "127.0.0.1", "::1")


@dataclass
class Opened:
    """A page and what came of it so far.

    Attributes:
        page: Playwright's page.
        errors: errors on the console, exceptions of scripts, violations of the page's policy.
        requests: every address asked for, also by frames, scripts and web sockets.
        allow: beginnings of addresses outside this machine that may be asked for.
    """

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    allow: tuple[str, ...] = ()

    @property
    def outside(self) -> list[str]:
        """Addresses that lead away from this machine and are not allowed."""
        return [
            url for url in self.requests if not _is_here(url) and not url.startswith(self.allow)
        ]


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium for the tests of one module.

    Not for the whole session: while Playwright is open an asyncio loop counts as running in this
    thread, and other modules' tests shall not meet it. A start takes half a second.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = chromium_of(playwright)
        if program is None:
            pytest.skip(ABSENT)
        chromium = playwright.chromium.launch(
            executable_path=program,
            args=list(ARGUMENTS),
            chromium_sandbox=os.geteuid() != 0,  # root's Chromium starts only without
        )
        yield chromium
        chromium.close()


@contextmanager
def opened(browser, url, *, width=1200, height=900, dark=False, allow=()):
    """Open a page and watch it until the end.

    Args:
        url: an address, or the path of a file.
        width, height: of the window, in pixels.
        dark: whether the user's system is set to dark.
        allow: beginnings of addresses outside that the page may ask for.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    try:
        shown = _watched(context, tuple(allow))
        shown.page.goto(url.as_uri() if isinstance(url, Path) else url)
        yield shown
    finally:
        context.close()


def assert_quiet(shown):
    """No error on the console, and nothing asked for outside this machine."""
    assert not shown.errors, "the page complains:\n" + "\n".join(shown.errors)
    assert not shown.outside, "the page asks outside:\n" + "\n".join(shown.outside)


def chromium_of(playwright) -> str | None:
    """The system's Chromium, else the one that Playwright may have downloaded."""
    names = (*PROGRAMS, playwright.chromium.executable_path)
    return next((path for name in names if (path := shutil.which(name))), None)


def _watched(context, allow) -> Opened:
    """A new page that writes down what happens; popups are watched as well."""
    shown = Opened(page=None, allow=allow)

    def heard(message):
        if message.type == "error":  # violations of a Content-Security-Policy are errors too
            place = message.location.get("url", "")
            shown.errors.append(f"{message.text} ({place})" if place else message.text)

    context.on("console", heard)
    context.on("weberror", lambda error: shown.errors.append(str(error.error)))
    context.on("request", lambda request: shown.requests.append(request.url))
    context.on(
        "page",
        lambda page: page.on("websocket", lambda socket: shown.requests.append(socket.url)),
    )
    shown.page = context.new_page()
    return shown


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("file", "data", "blob", "about") or parts.hostname in HERE
