"""The README tells the truth: its reference is the program's own, its files exist."""

import re
from pathlib import Path

from search.cli import tune
from search.cli.reference import rewritten

README = Path(__file__).parents[1] / "README.md"


def test_the_reference_is_what_the_program_says():
    text = README.read_text()
    assert rewritten(text) == text, "run `make docs`"


def test_every_command_that_the_readme_shows_exists():
    shown = set(re.findall(r"^\s*(?:\.venv/bin/)?tune ([a-z-]+)", README.read_text(), re.MULTILINE))
    assert {"run", "show", "export-best", "predict"} <= shown
    assert shown <= set(tune.list_commands(None))


def test_every_link_and_image_of_the_readme_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    local = [link for link in links if "://" not in link]
    assert local
    assert [link for link in local if not (README.parent / link).exists()] == []
