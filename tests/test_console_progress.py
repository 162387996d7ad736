import io
import re
from pathlib import Path

import pytest

from search.process.console import SafeConsole
from search.process.console_progress import ConsoleProgress

ROOT = Path(__file__).parents[1]
BAR = "━"
PROCESS = {"search/process/console.py", "search/process/console_progress.py"}
SHOWING = {"search/observers/display.py", *PROCESS}


def sink(*, terminal=False):
    return ConsoleProgress(
        SafeConsole(file=io.StringIO(), force_terminal=terminal, width=60, no_color=True)
    )


def said(progress):
    return progress.console.file.getvalue()


def test_a_message_is_printed_as_it_is_however_long():
    progress = sink()
    progress.message("shape [None, 3] of [bold]photos[/] " + "and so on " * 10)
    assert said(progress) == "shape [None, 3] of [bold]photos[/] " + "and so on " * 10 + "\n"


def test_a_warning_is_marked_as_one():
    progress = sink()
    progress.warning("[red] is missing")
    assert said(progress) == "warning: [red] is missing\n"


def test_without_a_terminal_a_task_prints_nothing():
    progress = sink()
    with progress.task("retraining") as task:
        task.update(1, 2)
    assert said(progress) == ""


@pytest.mark.parametrize(
    ("counted", "shown"), [(False, " 50%"), (True, "100/200")], ids=["share", "pieces"]
)
def test_on_a_terminal_a_task_shows_its_share_or_its_pieces(counted, shown):
    progress = sink(terminal=True)
    with progress.task("retraining", counted=counted) as task:
        task.update(100, 200)
    assert "retraining" in said(progress)
    assert shown in said(progress)


def test_a_task_that_tells_no_total_shows_no_bar():
    progress = sink(terminal=True)
    with progress.task("loading") as task:
        before = said(progress)
        task.update(1, 2)
    assert "loading" in before
    assert BAR not in before
    assert BAR in said(progress)


def test_an_update_can_change_the_words():
    progress = sink(terminal=True)
    with progress.task("starting") as task:
        task.update(0, 3, "computing [features]")
        task.update(1, 3)
    assert "computing [features]" in said(progress)


def test_only_the_command_line_and_what_shows_progress_knows_rich():
    rich = re.compile(r"^\s*(from|import) rich\b", re.MULTILINE)
    knowing = {
        str(path.relative_to(ROOT))
        for folder in ("search", "models", "data_pipeline")
        for path in (ROOT / folder).rglob("*.py")
        if "cli" not in path.parts and rich.search(path.read_text())
    }
    assert knowing == SHOWING
