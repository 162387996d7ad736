import http.server
import threading
import zipfile
from functools import partial
from hashlib import md5

import h5py
import numpy as np
import pytest

from models.errors import ModelError
from models.pretrained import weights


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "models"


@pytest.fixture
def server(tmp_path):
    """The address of a server on this machine that serves `tmp_path / "served"`."""
    (tmp_path / "served").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            return

    handler = partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def write_weights(path, arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def test_a_download_lands_in_the_keras_cache(tmp_path, cache, server):
    (tmp_path / "served" / "a.h5").write_bytes(b"weights")
    path = weights.download("a.h5", f"{server}/a.h5", digest=md5(b"weights").hexdigest())
    assert path == cache / "a.h5"
    assert path.read_bytes() == b"weights"
    assert weights.cached(["missing.h5", "a.h5"]) == path


def test_a_download_with_another_content_leaves_nothing_behind(tmp_path, cache, server):
    (tmp_path / "served" / "a.h5").write_bytes(b"something else")
    with pytest.raises(ModelError, match="checksum"):
        weights.download("a.h5", f"{server}/a.h5", digest=md5(b"weights").hexdigest())
    assert list(cache.iterdir()) == []


def test_a_failed_download_says_where_the_file_goes(cache, server):
    with pytest.raises(ModelError) as caught:
        weights.download("a.h5", f"{server}/a.h5")
    assert f"{server}/a.h5" in str(caught.value)
    assert str(cache / "a.h5") in str(caught.value)


def test_only_addresses_that_answer_are_reachable(tmp_path, server):
    (tmp_path / "served" / "a.h5").write_bytes(b"weights")
    urls = [f"{server}/a.h5", f"{server}/b.h5", "http://127.0.0.1:9/a.h5"]
    assert weights.reachable(urls) == {urls[0]}


def test_a_server_that_never_answers_is_given_up(tmp_path):
    import socket
    import time

    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.h5"
        assert weights.reachable([url], seconds=0.3) == set()
        assert time.monotonic() - start < 10


def test_optimizer_and_random_states_are_not_counted(tmp_path):
    path = tmp_path / "a.weights.h5"
    write_weights(
        path,
        {
            "layers/dense/vars/0": np.zeros((3, 2)),
            "layers/dropout/seed_generator/vars/0": np.zeros(2),
            "optimizer/vars/0": np.zeros(100),
        },
    )
    assert weights.count_values(path) == 6


def test_a_keras_archive_is_counted_by_its_weights(tmp_path):
    write_weights(tmp_path / "inside.h5", {"layers/dense/vars/0": np.zeros((3, 2))})
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.write(tmp_path / "inside.h5", "model.weights.h5")
    assert weights.count_values(tmp_path / "a.keras") == 6


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.h5", None, "no such file"),
        ("weights.bin", b"\0" * 100, "is a .bin file"),
        ("text.h5", b"not weights", "holds no Keras weights"),
        ("text.keras", b"not weights", "holds no Keras weights"),
    ],
)
def test_a_file_that_is_no_weights_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        weights.count_values(tmp_path / name)


def test_a_folder_is_no_weights_file(tmp_path):
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(ModelError, match="no such file"):
        weights.count_values(tmp_path / "folder.h5")
