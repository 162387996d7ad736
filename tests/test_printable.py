import io
import json
import os
import sys

import pytest
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from search.cli.printing.out import echo
from search.process.console import SafeConsole
from search.process.printable import cell, json_text, printable, visible

ODD = [os.fsdecode(b"caf\xe9"), "new\nline", "$\\frac$ 5", "\x1b[2J", "x" * 250]


def test_text_stays_as_it_is():
    assert printable("Häschen 猫 $5 'a'.png") == "Häschen 猫 $5 'a'.png"


@pytest.mark.parametrize("name", ODD)
def test_every_name_is_one_line_that_can_be_printed(name):
    assert printable(name).isprintable()
    printable(name).encode()


def test_names_that_differ_stay_different():
    assert len({printable(name) for name in ["a\nb", "a\tb", os.fsdecode(b"a\xe9b"), "aéb"]}) == 4


BAD = "a\x1b[2Jb\x07c\x9bd\u202ee\u2066f\rg\x00"


def test_a_text_keeps_its_lines_and_shows_what_a_terminal_would_obey():
    assert visible("two\nlines\tof Häschen 猫") == "two\nlines\tof Häschen 猫"
    assert visible(BAD) == r"a\x1b[2Jb\x07c\x9bd\u202ee\u2066f\rg\x00"


def test_json_has_the_same_values_and_no_such_characters():
    value = {"name": BAD, "bytes": os.fsdecode(b"caf\xe9"), "text": "Häschen 猫\n"}
    text = json_text(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert visible(text) == text
    assert "Häschen 猫" in text
    text.encode()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_cell_is_no_formula(text):
    assert cell(text).startswith("'")
    assert cell("photo.jpg") == "photo.jpg"
    assert cell("a\x1b") == r"a\x1b"


def test_a_console_obeys_its_own_colours_and_no_text():
    file = io.StringIO()
    console = SafeConsole(file=file, force_terminal=True, width=80, color_system="truecolor")
    console.print(Text("a\x1b[2Jb\x9bc", style="red"))
    printed = file.getvalue()
    assert r"a\x1b[2Jb\x9bc" in printed
    assert "\x1b[31m" in printed
    assert "\x1b[2J" not in printed
    with Progress(console=console) as bar:
        bar.add_task(BAD, total=1)
    assert "\x1b[2J" not in file.getvalue()
    assert "\x1b[?25l" in file.getvalue()  # the cursor is hidden, and comes back


def table():
    rows = Table(box=None, pad_edge=False)
    for name in ("place", "configuration"):
        rows.add_column(name)
    rows.add_row("1", "0004 probe mobilenet_075, 160 px " * 9)
    rows.add_row("2", "short")
    return rows


def test_in_a_pipe_a_row_is_a_line_without_trailing_blanks():
    console = SafeConsole(file=io.StringIO(), width=80)
    console.print_table(table())
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 3
    assert all(line == line.rstrip() for line in lines)
    assert lines[1].endswith("160 px") and len(lines[1]) > 250


@pytest.mark.parametrize(("terminal", "lines"), [(False, 1), (True, 3)])
def test_lines_are_wrapped_between_words_and_on_a_terminal_alone(terminal, lines):
    console = SafeConsole(
        file=io.StringIO(), width=20, force_terminal=terminal, no_color=True, highlight=False
    )
    console.print("None of the built-in configurations finished")
    found = console.file.getvalue().splitlines()
    assert len(found) == lines
    assert " ".join(map(str.strip, found)) == "None of the built-in configurations finished"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_said_is_wrapped_between_words_and_on_a_terminal_alone(
    terminal, monkeypatch, capsys
):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda stream: terminal, raising=False)
    line = "  0.9000 over 1 training, behind by 0.0444: mobilenet_075"
    echo(f"first\n{line}")
    found = capsys.readouterr().out.splitlines()
    assert found[0] == "first"
    assert [each.strip() for each in found[1:]] == (
        ["0.9000 over 1 training,", "behind by 0.0444:", "mobilenet_075"]
        if terminal
        else [line.strip()]
    )
    assert all(each.startswith("  ") for each in found[1:])
