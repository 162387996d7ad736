"""Decisions about suspected labels: what is written, undone, refused, and served."""

import json
from dataclasses import replace

import pytest
from label_questions import asking, questions

from data_pipeline.errors import DataError
from data_pipeline.listing.corrections import Correction, read_corrections, written
from search.cli.labels import _serve
from search.label_errors.suspect_rows import Suspect, SuspectReport
from search.serve import labels_app
from search.serve.decisions import Decisions
from search.serve.server import listening

JSON = {"Content_Type": "application/json"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "corrections.csv"


@pytest.fixture
def client(file):
    with asking(file) as client:
        yield client


def decided(file):
    return {each.path: each.new for each in read_corrections(file).values()}


def test_each_decision_is_in_the_file_at_once_and_can_be_undone(file):
    decisions = Decisions(file, questions())
    assert (decisions.of(0), decisions.open_to_undo) == (None, 0)
    decisions.undo()
    assert not file.exists()
    decisions.decide(0, "dog")
    decisions.decide(1, "cat")
    decisions.decide(2, "")
    assert decided(file) == {"cat/0.png": "dog", "cat/1.png": "cat", "cat/2.png": ""}
    assert decisions.counts() == (1, 1, 1)
    decisions.decide(0, "")
    decisions.undo()
    assert decisions.of(0) == "dog"
    decisions.undo()
    assert decided(file) == {"cat/0.png": "dog", "cat/1.png": "cat"}
    assert decisions.open_to_undo == 2
    (first, _) = read_corrections(file).values()
    assert (first.old, first.when[:2], first.when[-6:]) == ("cat", "20", "+00:00")


def test_what_was_decided_before_is_known_and_other_rows_stay(file):
    rows = [
        Correction("dog/9.png", "dog", "cat", "then"),
        Correction("cat/1.png", "cat", "dog", "then"),
    ]
    file.write_bytes(written(rows))
    decisions = Decisions(file, questions())
    assert [decisions.of(number) for number in range(3)] == [None, "dog", None]
    assert decisions.counts() == (0, 1, 0)
    decisions.decide(1, "")
    assert decided(file) == {"dog/9.png": "cat", "cat/1.png": ""}
    decisions.undo()
    assert decided(file) == {"dog/9.png": "cat", "cat/1.png": "dog"}


def test_what_another_page_has_decided_is_not_undone(file):
    one, other = Decisions(file, questions()), Decisions(file, questions())
    one.decide(0, "dog")
    other.decide(0, "")
    other.undo()
    assert decided(file) == {"cat/0.png": "dog"}, "as it was before"
    other.decide(0, "")
    one.decide(0, "cat")
    other.undo()
    assert decided(file) == {"cat/0.png": "cat"}, "since it was decided again"
    assert other.of(0) == "cat"
    assert other.open_to_undo == 0


def test_corrections_that_a_run_was_begun_with_stay(file):
    """A new search begins with the labels of the data set once more."""
    earlier = {
        "cat/0.png": Correction("cat/0.png", "dog", "cat", "then"),
        "dog/9.png": Correction("dog/9.png", "dog", "", "then"),
    }
    asked = questions()
    asked[0] = replace(asked[0], listed="dog")
    decisions = Decisions(file, asked, earlier)
    assert [decisions.of(number) for number in range(3)] == [None, None, None]
    decisions.decide(1, "dog")
    assert decided(file) == {"cat/0.png": "cat", "dog/9.png": "", "cat/1.png": "dog"}
    assert decisions.counts() == (0, 1, 0)
    decisions.decide(0, "cat")  # looked at, and right
    assert decisions.counts() == (1, 1, 0)
    assert read_corrections(file)["cat/0.png"].old == "dog"
    decisions.undo()
    assert decisions.of(0) is None
    again = Decisions(file, asked, earlier)
    assert [again.of(number) for number in range(3)] == [None, "dog", None]


def test_a_decision_corrects_the_label_that_the_data_set_has_now(file):
    """Whoever keeps it has entered an earlier correction in it, or another label."""
    earlier = {"cat/0.png": Correction("cat/0.png", "fox", "cat", "then")}
    decisions = Decisions(file, questions(), earlier)
    decisions.decide(0, "dog")
    decisions.decide(0, "")
    correction = read_corrections(file)["cat/0.png"]
    assert (correction.old, correction.new) == ("cat", "")


def test_a_file_of_something_else_is_not_written_to(file):
    file.write_text("name,age\nx,3\n")
    with pytest.raises(DataError, match="has no column path"):
        Decisions(file, questions())


def test_programs_see_the_images_and_decide(client, file):
    status, about, headers = client.ask("GET", "/questions")
    assert (status, about["run"], about["classes"][2]) == (200, "photos", "<b>fox")
    assert about["questions"][1] == {
        "path": "cat/1.png",
        "label": "cat",
        "likelier": "dog",
        "shares": [0.1, 0.9],
        "split": "train",
    }
    assert about["decided"] == [None, None, None]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, image, headers = client.ask("GET", "/image?number=1")
    assert (status, image[:2], headers["Content-Type"]) == (200, b"\xff\xd8", "image/jpeg")
    body = json.dumps({"number": 1, "label": "<b>fox"})
    status, state, _ = client.ask("POST", "/decide", body, **JSON)
    assert (status, state["decided"], state["undo"]) == (200, [None, "<b>fox", None], 1)
    assert decided(file) == {"cat/1.png": "<b>fox"}
    status, state, _ = client.ask("POST", "/undo", "{}", **JSON)
    assert (status, state["decided"], state["undo"]) == (200, [None] * 3, 0)
    assert decided(file) == {}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/decide", '{"number": 0, "label": "horse"}', JSON, 400),
        ("/decide", '{"number": 0}', JSON, 400),
        ("/decide", '{"number": 3, "label": "cat"}', JSON, 404),
        ("/decide", '{"number": -1, "label": "cat"}', JSON, 404),
        ("/decide", '{"number": "x", "label": "cat"}', JSON, 400),
        ("/decide", "[1]", JSON, 400),
        ("/decide", "{", JSON, 400),
        ("/decide", "[" * 4000, JSON, 400),
        ("/decide", " " * 5000, JSON, 413),
        ("/decide", '{"number": 0, "label": "dog"}', {"Content_Type": "text/plain"}, 415),
        ("/decide", '{"number": 0, "label": "dog"}', JSON | {"Origin": "http://evil"}, 403),
        ("/decide", '{"number": 0, "label": "dog"}', JSON | {"Host": "evil"}, 403),
        ("/undo", "", {}, 415),
    ],
)
def test_what_is_no_decision_of_this_page_is_refused(client, file, path, body, headers, status):
    found, answer, _ = client.ask("POST", path, body, **headers)
    assert (found, bool(answer["error"])) == (status, True)
    assert not file.exists()


def test_of_pages_and_images_there_are_those_in_the_table_alone(client):
    assert client.ask("GET", "/image?number=9")[0] == 404
    assert client.ask("GET", "/image")[0] == 400
    assert client.ask("GET", "/../secret")[0] == 404
    assert client.ask("GET", "/decide")[0] == 405
    assert client.ask("GET", "/")[1].startswith(b"<!doctype html>")


def test_the_command_serves_its_suspects_and_says_what_was_decided(
    scratch, tmp_path, monkeypatch, capsys
):
    """Who is asked decides about the first of two."""
    run = scratch.run
    from search.run_folder.images import Images

    paths = Images.load(run).paths[:2]
    suspects = tuple(
        Suspect(path, "across", "along", 0.2, 0.8, flagged=True, split="train") for path in paths
    )
    report = SuspectReport(
        run="scratch",
        argument="scratch",
        root=str(Images.load(run).root),
        images=24,
        configuration="0",
        folds=2,
        repeats=1,
        agreement=0.9,
        flagged=2,
        doubted=2,
        suspects=suspects,
    )
    asked = []

    def decide(stop):
        asked.append(capsys.readouterr().err)
        real.decide(0, "along")

    class Known(Decisions):
        def __init__(self, *values):
            nonlocal real
            super().__init__(*values)
            real = self

    real = None
    monkeypatch.setattr(labels_app, "Decisions", Known)
    monkeypatch.setattr(labels_app, "wait_for", decide)
    with listening(0) as listener:
        _serve(run, report, tmp_path / "mine.csv", listener)
    assert "decide about 2 labels at http://127.0.0.1:" in asked[0]
    assert all(question.image[:2] == b"\xff\xd8" for question in real._questions)
    said = capsys.readouterr().err
    assert "1 label corrected, 0 images set aside, 0 kept as they are" in said
    assert f"--corrections {tmp_path / 'mine.csv'}" in " ".join(said.split())
    assert decided(tmp_path / "mine.csv") == {paths[0]: "along"}


def test_what_another_page_has_written_meanwhile_stays(file):
    one, other = Decisions(file, questions()), Decisions(file, questions())
    one.decide(0, "dog")
    other.decide(1, "")
    one.decide(2, "dog")
    one.undo()
    assert decided(file) == {"cat/0.png": "dog", "cat/1.png": ""}
