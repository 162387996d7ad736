"""The page of suspects: safe, whole, and no request leaves it."""

import base64
import re
from html.parser import HTMLParser

import pytest

from search.label_errors.page import CAUTION, remedy, summary, suspects_page
from search.label_errors.suspect_rows import Suspect, SuspectReport

HOSTILE = '<script>alert("x")</script>&\udce9\u202e\n.png'


def row(**changes):
    plain = {
        "path": "cat/1.jpg",
        "given": "cat",
        "suggested": "dog",
        "probability_given": 0.031,
        "probability_suggested": 0.969,
        "flagged": True,
        "split": "train",
    }
    return Suspect(**(plain | changes))


def report_of(rows, **changes):
    plain = {
        "run": "cats",
        "argument": "cats",
        "root": "/photos",
        "images": 2000,
        "configuration": "cnn",
        "folds": 5,
        "repeats": 1,
        "agreement": 0.94,
        "flagged": 41,
        "doubted": 115,
        "suspects": tuple(rows),
    }
    return SuspectReport(**(plain | changes))


class Elements(HTMLParser):
    """Tags and their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += f" {data}"


def test_each_suspect_has_its_image_and_what_speaks_against_its_label():
    rows = [row(), row(path="cat/2.jpg", flagged=False, split="test")]
    found = Elements(suspects_page(report_of(rows), [b"one", b"two"]))
    pictures = [attrs["src"] for tag, attrs in found.tags if tag == "img"]
    assert [base64.b64decode(src.split(",")[1]) for src in pictures] == [b"one", b"two"]
    words = " ".join(found.text.split())
    assert "label cat 3.1 % likelier dog 96.9 % 1 · flagged · train cat/1.jpg" in words
    assert "2 · test cat/2.jpg" in words


def test_the_page_says_what_to_think_of_it_and_what_to_do():
    words = " ".join(Elements(suspects_page(report_of([row()]), [b""])).text.split())
    assert f"{CAUTION} {remedy(report_of([]))}" in words
    assert "about half of such flags are wrong" in words
    assert "Nothing was changed" in words
    assert "run 'tune labels cats --serve', or move a file into the folder of its class" in words
    assert "41 of 2,000 labels are flagged" in words
    assert "vouch for" not in words
    torn = report_of([row()], dealt_apart=1200)
    assert "1,200 images are of groups of near-copies" in summary(torn)


@pytest.mark.parametrize("field", ["path", "given", "suggested"])
def test_names_are_shown_and_not_obeyed(field):
    text = suspects_page(report_of([row(**{field: HOSTILE})], run=HOSTILE, root=HOSTILE), [b""])
    found = Elements(text)
    assert "script" not in [tag for tag, _ in found.tags]
    assert found.text.count("<script>alert") >= 4  # as text, and the title twice
    assert "\u202e" not in text
    text.encode()  # no half of a character is left
    assert r"\udce9" in text


def test_nothing_is_fetched_and_nothing_runs():
    text = suspects_page(report_of([row()]), [b"one"])
    tags = Elements(text).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object", "a"})
    assert all(attrs["src"].startswith("data:") for _, attrs in tags if "src" in attrs)
    assert not re.search(r"https?:|@import|url\(|\son\w+=", text)
    policy = [attrs["content"] for _, attrs in tags if "http-equiv" in attrs]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_the_summary_says_how_many_are_listed():
    assert "the first 1 of these" in summary(report_of([row()]))
    assert "all of these" in summary(report_of([row()], doubted=1))
    assert "No label of 2,000 is in doubt" in summary(report_of([], doubted=0, flagged=0))
