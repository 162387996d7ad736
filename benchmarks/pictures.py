"""Take the pictures of the README anew, all from one real run.

    python benchmarks/pictures.py DATA --weights DIR [--minutes 4] [--out results/pictures]

Runs `tune run DATA --max-time 4m --then-export` in a terminal that is kept in memory (pyte), and
`tune report` and `tune tensorboard` on what it found. Writes live.png (the display of the search
when a half of the time is gone), report.png (the first screens of the report), curves.png (of the
exported model) and hparams.png. Needs Chromium and the dev extra.
"""

import fcntl
import io
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import contextmanager
from pathlib import Path

import click
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))  # browser.py

TUNE = [sys.executable, "-m", "search"]
COLUMNS, LINES = 104, 24
PAGE = 840  # pixels: as wide as GitHub shows a README


def in_terminal(arguments, environment, *, picture_at):
    """Run a program in a terminal; what that showed after so many seconds, as text with styles."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream, shown = pyte.ByteStream(screen), None
    process, terminal = pty.fork()
    if process == 0:
        os.execve(arguments[0], list(map(str, arguments)), environment)  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    begun = time.monotonic()
    while True:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                stream.feed(os.read(terminal, 2**16))
            except OSError:  # Linux says so where the program has ended
                break
        elif shown is None and time.monotonic() - begun > picture_at:
            shown = styled(screen)  # between two frames
    _, status = os.waitpid(process, 0)
    if status:
        sys.exit(f"{' '.join(map(str, arguments))}: ended with {status}\n{styled(screen).plain}")
    return shown or styled(screen)


def styled(screen):
    """The lines of a terminal, in their colours; empty ones below are left out."""
    text = Text()
    for number in range(screen.lines):
        line = Text()
        for column in range(screen.columns):
            cell = screen.buffer[number][column]
            line.append(cell.data, Style(color=colour_of(cell.fg), bold=cell.bold))
        line.rstrip()
        text.append(line).append("\n")
    text.rstrip()
    return text


def colour_of(name):
    """What rich calls a colour of pyte's; None for that of the terminal."""
    if name == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return name.replace("brown", "yellow").replace("bright", "bright_")


def drawn(text, title, page, path):
    """Draw text of a terminal as a window."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(text)
    page.set_content(f"<body style='margin:0'>{console.export_svg(title=title)}</body>")
    page.locator("svg").first.screenshot(path=path)


@contextmanager
def tensorboard(results, environment):
    """The address of TensorBoard on the run, while it is up."""
    command = [*TUNE, "tensorboard", "--results", results, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as board:
        try:
            said = next(line for line in board.stderr if "TensorBoard shows" in line)
            yield re.search(r"http://localhost:\d+/", said)[0]
        finally:
            board.send_signal(signal.SIGINT)


def taken(browser, data, results, live, environment, out):
    """Take all pictures."""
    page = browser.new_page(viewport={"width": PAGE, "height": 1150}, device_scale_factor=2)
    drawn(live, f"tune run {data.name}", page, out / "live.png")
    run = results / data.name
    page.goto((run / "report.html").as_uri())
    page.wait_for_selector("[data-chart] canvas")
    page.wait_for_timeout(1000)  # charts grow into their places
    page.screenshot(path=out / "report.png")
    shutil.copy(run / "export" / "curves.png", out / "curves.png")
    with tensorboard(results, environment) as address:
        page.set_viewport_size({"width": 1500, "height": 700})
        page.goto(f"{address}#hparams")
        page.get_by_text("0000 ").first.wait_for()
        page.wait_for_timeout(2000)
        page.screenshot(path=out / "hparams.png")


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--weights", type=click.Path(exists=True, path_type=Path))
@click.option("--minutes", default=4.0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/pictures"))
def main(data, weights, minutes, out):
    from browser import chromium_of
    from playwright.sync_api import sync_playwright

    environment = dict(os.environ, TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(LINES))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data, out, results = data.resolve(), out.resolve(), Path(folder).resolve() / "results"
        weights = weights and weights.resolve()
        # Commands are shown as to who calls them where images and results are.
        os.chdir(folder)
        shutil.copytree(data, data.name)
        arguments = [*TUNE, "run", data.name, "--name", data.name]
        arguments += ["--weights", weights] if weights else []
        arguments += ["--max-time", f"{60 * minutes:g}s", "--then-export"]
        live = in_terminal(arguments, environment, picture_at=30 * minutes)
        subprocess.run([*TUNE, "report"], check=True, env=environment)
        browser = playwright.chromium.launch(
            executable_path=chromium_of(playwright), chromium_sandbox=os.geteuid() != 0
        )
        out.mkdir(parents=True, exist_ok=True)
        taken(browser, data, results, live, environment, out)
        browser.close()
    print(*sorted(map(str, out.glob("*.png"))), sep="\n")


if __name__ == "__main__":
    main()
