"""What the server answers over HTTP: to photos, to what is none, and to who may not ask."""

import base64
import io
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from served import LABELS, SIZE, encoded, grey, running, small_classifier, status_of
from waiting import wait_until

from search.cli import _run
from search.inference.classifier import input_files
from search.process.atomic_files import write_json
from search.serve.limits import UploadLimits

POLICY = "Content-Security-Policy"

LIMITS = UploadLimits(max_bytes=2**20, max_files=4, idle_seconds=20)


@pytest.fixture(scope="module")
def client():
    with running(small_classifier(threshold=0.9), limits=LIMITS) as client:
        yield client


def test_a_photo_is_answered_as_tune_predict_answers_it(client, tmp_path):
    levels = (0, 120, 135, 255)
    paths = [tmp_path / f"{level}" for level in levels]
    for level, path in zip(levels, paths, strict=True):
        path.write_bytes(grey(level, file_format="BMP"))
    rows = small_classifier(threshold=0.9).predict(input_files(paths))
    for level, path, expected in zip(levels, paths, rows, strict=True):
        status, row, headers = client.ask("POST", "/predict", path.read_bytes())
        assert status == 200
        assert headers["Content-Type"] == "application/json"
        assert row | {"path": str(path)} == expected.row()
        assert row["unsure"] == (level in (120, 135))


def test_a_form_may_hold_several_and_a_bad_one_costs_its_own_row(client):
    status, rows, _ = client.send((b"a.png", grey(0)), (b"b.txt", b"words"), (b"c.png", grey(255)))
    assert status == 200
    assert [row["path"] for row in rows] == ["a.png", "b.txt", "c.png"]
    assert [row["label"] for row in rows] == ["dark", None, "bright"]
    assert rows[1]["error"].startswith("not an image; expected a whole JPEG")
    assert "heat" not in rows[0]


@pytest.mark.parametrize("way", ["body", "form"])
def test_the_heat_lies_where_the_answer_comes_from(client, way):
    photo = Image.new("L", (400, 200), 140)
    photo.paste(255, (300, 0, 400, 100))
    if way == "body":
        status, row, _ = client.ask("POST", "/predict?heat=1", encoded(photo))
    else:
        status, (row,), _ = client.send((b"a.png", encoded(photo)), path="/predict?heat=1")
    assert status == 200
    kind, data = row["heat"].split(",")
    assert kind == "data:image/png;base64"
    heat = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
    assert heat.size == (288, 144)
    alpha = np.asarray(heat)[..., 3]
    assert alpha[20, 260] == alpha.max()
    assert alpha[100, 60] < alpha.max() / 1.5


def test_the_model_says_what_it_is(client):
    status, model, _ = client.ask("GET", "/model")
    assert status == 200
    assert model == {
        "name": "small",
        "labels": list(LABELS),
        "image_size": list(SIZE),
        "resize_mode": "squeeze",
        "threshold": 0.9,
        "heat": True,
        "max_bytes": 2**20,
    }


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "html"), ("/page.css", "css"), ("/page.js", "javascript")]
)
def test_the_page_comes_with_a_policy_that_forbids_all_but_this_server(client, path, kind):
    status, content, headers = client.ask("GET", path)
    assert status == 200
    assert headers["Content-Type"] == f"text/{kind}; charset=utf-8"
    assert content
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.strip().split(" ", 1) for part in headers[POLICY].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert not any("unsafe" in value or "http" in value for value in policy.values())
    assert client.ask("HEAD", path)[:2] == (200, b"")


def test_the_page_has_nothing_inline_and_asks_nobody_else(client):
    text = client.ask("GET", "/")[1].decode()
    assert " style=" not in text
    assert "<script>" not in text
    assert not re.search(r"\son\w+=", text)
    for path in ("/", "/page.css", "/page.js"):
        content = client.ask("GET", path)[1].decode()
        assert "https:" not in content
        assert "http:" not in content.replace("http://www.w3.org/2000/svg", "")


def test_what_is_not_there_and_how_it_must_not_be_asked(client):
    status, said, _ = client.ask("GET", "/../secret")
    assert (status, said["error"][:12]) == (404, "no such page")
    for method, path, allowed in [
        ("GET", "/predict", "POST"),
        ("PUT", "/predict", "POST"),
        ("POST", "/", "GET"),
        ("DELETE", "/model", "GET"),
    ]:
        status, said, headers = client.ask(method, path)
        assert (status, headers["Allow"]) == (405, allowed)
        assert said == {"error": f"expected {allowed}, received {method}"}


def test_nothing_sent_is_said(client):
    for status, said, _ in (
        client.ask("POST", "/predict"),
        client.ask("POST", "/predict", b""),
        client.send(),
        client.send((b"a.png", grey(1), "photo")),
        client.send((b"", b"")),
    ):
        assert status == 400
        assert said["error"].startswith("received nothing; expected the bytes of a photo")
        assert "'file'" in said["error"]


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_that_cannot_be_read_is_not_called_empty(client, kind):
    status, said, _ = client.ask("POST", "/predict", b"junk", Content_Type=kind)
    assert status == 400
    assert said["error"].startswith("received a form that cannot be read")


def bomb_png(side):
    """A PNG of side x side black pixels in a few kilobytes."""

    def part(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress(bytes(side // 8 + 1) * side, 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", rows) + part(b"IEND", b"")


BAD = {
    "words": (b"words, not an image", "not an image"),
    "page": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format not supported: SVG"),
    "half": (grey(9, (90, 90), "JPEG")[:400], "truncated"),
    "bomb.png": (bomb_png(20_000), "too many pixels"),
    "bomb.gif": (b"GIF89a\xff\xff\xff\xff\x00\x00\x00" + b"\x2c" + bytes(20), "too many pixels"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_image_is_told_with_the_decoders_reason(client, kind):
    content, reason = BAD[kind]
    status, row, _ = client.ask("POST", "/predict?heat=1", content)
    assert status == 422
    assert reason in row["error"]
    assert (row["label"], row["probabilities"], row["heat"]) == (None, {}, None)
    status, said, _ = client.send((b"x.jpg", content))
    assert status == 422
    assert reason in said["error"]
    assert said["files"][0]["path"] == "x.jpg"


def test_an_empty_file_of_a_form_is_no_image(client):
    status, said, _ = client.send((b"empty.jpg", b""))
    assert (status, said["error"].split(";")[0]) == (422, "empty file")


def test_too_large_is_refused_by_its_length_before_anything_of_it_is_read(client):
    with client.begin(f"Content-Length: {10**12}\r\n") as connection:
        status, said = status_of(connection)
    assert status == 413
    assert said["error"] == "received too much; expected 1 MiB and 4 files at most"


def test_too_large_in_chunks_is_refused_as_soon_as_it_is(client):
    chunk = b"%x\r\n%s\r\n" % (2**16, bytes(2**16))
    with client.begin("Transfer-Encoding: chunked\r\n") as connection:
        for _ in range(20):  # a quarter more than the limit, and no end
            connection.sendall(chunk)
        status, said = status_of(connection)
    assert status == 413
    assert "expected 1 MiB" in said["error"]


def test_a_photo_in_chunks_is_answered(client):
    pieces = iter([grey(255)[:50], grey(255)[50:]])
    status, row, _ = client.ask("POST", "/predict", pieces)  # of unknown length
    assert (status, row["label"]) == (200, "bright")


def test_too_many_files_in_a_form_are_refused(client):
    status, said, _ = client.send(*[(b"a.png", grey(1))] * 5)
    assert (status, said["error"][-23:]) == (413, "MiB and 4 files at most")
    status, said, _ = client.send((b"a.png", bytes(2**20)))
    assert status == 413


def test_a_connection_that_breaks_costs_nothing(client):
    connection = client.begin("Content-Length: 1000\r\n", b"half")
    connection.shutdown(socket.SHUT_WR)
    assert status_of(connection)[0] == 400
    connection.close()
    client.begin("Content-Length: 1000\r\n", b"half").close()
    with client.begin("Transfer-Encoding: chunked\r\n", b"no number\r\n") as connection:
        assert status_of(connection)[0] == 400
    assert client.ask("POST", "/predict", grey(0))[0] == 200


def test_another_name_is_refused_for_it_may_be_a_page_elsewhere_that_points_here(client):
    for host in ("evil.example", f"evil.example:{client.port}", "127.0.0.1", "127.0.0.1:1"):
        for method, path in (("GET", "/"), ("GET", "/model"), ("POST", "/predict")):
            status, said, _ = client.ask(method, path, Host=host)
            assert status == 403
            assert said["error"].endswith(f"not as {host}")
    assert client.ask("GET", "/", Host=f"LOCALHOST:{client.port}")[0] == 200


def test_pages_elsewhere_may_not_use_it(client):
    for origin in ("http://evil.example", "null", "", f"https://127.0.0.1:{client.port}"):
        for method, path in (("POST", "/predict"), ("GET", "/model"), ("OPTIONS", "/predict")):
            status, said, headers = client.ask(method, path, grey(0), Origin=origin)
            assert status == 403
            assert "may not use this server" in said["error"]
            assert "Access-Control-Allow-Origin" not in headers
    own = f"http://127.0.0.1:{client.port}"
    assert client.ask("POST", "/predict", grey(0), Origin=own)[0] == 200


def test_many_at_once_are_all_answered_each_with_its_own(client):
    levels = [(37 * number) % 256 for number in range(120)]

    def ask(number):
        path = "/predict?heat=1" if number % 3 == 0 else "/predict"
        return client.ask("POST", path, grey(levels[number]))

    with ThreadPoolExecutor(120) as pool:
        answers = list(pool.map(ask, range(120)))
    assert {status for status, *_ in answers} == {200}
    for level, (_, row, _) in zip(levels, answers, strict=True):
        expected = 1 / (1 + np.exp(4 - 8 * level / 255))
        assert row["probabilities"]["bright"] == pytest.approx(expected, abs=1e-3)


def test_uploads_are_not_kept(client):
    client.send((b"a.png", grey(0)), (b"b.txt", b"words"))
    client.ask("POST", "/predict", b"words")
    assert list(client.app._folder.iterdir()) == []


def test_a_model_that_fails_costs_those_it_was_asked_about(caplog):
    with running(small_classifier()) as client:
        classifier = client.app._model.answerer._classifier
        fail = lambda pixels: 1 / 0  # noqa: E731
        object.__setattr__(classifier, "model", type("Broken", (), {"predict_on_batch": fail})())
        status, said, _ = client.ask("POST", "/predict", grey(0))
        assert status == 500
        assert said == {"error": "the server failed at this; see its terminal"}
        assert client.ask("POST", "/predict?heat=1", grey(0))[0] == 200
    assert "the model failed" in caplog.text


def test_a_model_without_a_map_answers_without_heat():
    images = keras.Input((*SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(images)
    plain = keras.Model(images, keras.layers.Dense(2, activation="softmax")(x))
    classifier = small_classifier()
    object.__setattr__(classifier, "model", plain)
    with running(classifier) as client:
        assert client.ask("GET", "/model")[1]["heat"] is False
        status, row, _ = client.ask("POST", "/predict?heat=1", grey(0))
        assert (status, row["heat"]) == (200, None)


def test_a_taken_port_and_an_absent_model_are_errors_of_one_line(client, capsys, tmp_path):
    assert _run(["serve", str(tmp_path), "--port", str(client.port)]) == 1
    said = capsys.readouterr().err
    assert said == (
        f"error: port {client.port} is taken; choose another --port, or 0 for any free one\n"
    )
    assert _run(["serve", str(tmp_path), "--port", "0"]) == 1
    assert "model.keras: No such file" in capsys.readouterr().err
    assert _run(["serve", "imagenet:nothing", "--port", "0"]) == 1
    assert "no such backbone" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc to find processes in")
def test_the_program_starts_answers_and_ends_with_its_workers_at_ctrl_c(tmp_path):
    export = tmp_path / "cats" / "export"
    export.mkdir(parents=True)
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 3)(keras.layers.Resizing(*SIZE)(images))
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(2, activation="softmax")(x)
    keras.Model(images, x).save(export / "model.keras")
    about = {"labels": list(LABELS), "image_size": list(SIZE), "resize_mode": "squeeze"}
    write_json(export / "labels.json", about)
    tune = Path(sys.executable).with_name("image-tune")
    process = subprocess.Popen(
        [tune, "serve", export, "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        if not line.startswith(f"{export} answers at http://127.0.0.1:"):
            process.kill()
            pytest.fail(line + process.stderr.read())
        address = line.split(" at ")[1].split()[0]
        with urllib.request.urlopen(f"{address}predict?heat=1", grey(255), timeout=60) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{address}model", timeout=60) as answer:
            assert b'"name": "cats"' in answer.read()
        workers = descendants(process.pid)
        assert workers
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == "ended; 1 photo answered, none of them kept\n"
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    finally:
        process.kill()


def descendants(pid):
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            found += [child, *descendants(child)]
    return found


def test_a_form_with_a_name_that_is_no_utf_8_says_so(client):
    status, said, _ = client.send(("é.png".encode("latin-1"), grey(255)))
    assert status == 400
    assert "a file name that is no UTF-8" in said["error"]
