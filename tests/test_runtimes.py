import subprocess
import sys
import time

import numpy as np
import pytest
from onnx_files import write_means

from search.errors import TuneError
from search.formats.format import BATCH, in_batches
from search.formats.latency import WARM_UP, latency
from search.formats.measuring import measure_file, size_of
from search.formats.onnx import open_onnx

IMAGES = np.random.default_rng(0).integers(0, 256, (BATCH + 5, 6, 4, 3), dtype=np.uint8)


def softmax_of_means(images):
    powers = np.exp(images.mean(axis=(1, 2)) / 100)
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory):
    return write_means(tmp_path_factory.mktemp("onnx") / "model.onnx")


def test_a_file_answers_all_images_in_order(onnx_file):
    given = open_onnx(onnx_file)(IMAGES)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, softmax_of_means(IMAGES), atol=1e-6)


def test_a_file_is_measured_in_a_process_whose_memory_is_its_own(onnx_file):
    ballast = np.ones(300_000_000, np.uint8)  # what a process began with must not count
    measured = measure_file("onnx", onnx_file, IMAGES, repeats=5)
    np.testing.assert_allclose(measured.probabilities, softmax_of_means(IMAGES), atol=1e-6)
    assert 0 < measured.latency.median <= measured.latency.p95
    assert 10_000_000 < measured.peak_memory < ballast.nbytes
    assert measured.size == onnx_file.stat().st_size
    assert 0 < measured.load_seconds < 60


def test_a_file_that_cannot_be_loaded_is_an_error_with_what_its_runtime_said(tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    broken = tmp_path / "model.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(TuneError, match=r"model\.onnx: .*exit status 1: .*INVALID_PROTOBUF"):
        measure_file("onnx", broken, IMAGES)


def test_a_process_that_hangs_is_ended_and_what_it_started_too(tmp_path, monkeypatch):
    hanging = tmp_path / "python"
    hanging.write_text(f"#!/bin/sh\nsleep 30 &\necho $! > {tmp_path}/started\nwait\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hanging))
    with pytest.raises(TuneError, match="no answer within 1 s; export again, or without litert"):
        measure_file("litert", tmp_path / "model.tflite", IMAGES, timeout=1)
    assert not _runs(int((tmp_path / "started").read_text()))


def _runs(pid):
    """Whether a process is alive a little later; one that nobody waited for counts as ended."""
    for _ in range(20):
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True
        ).stdout.strip()
        if not state or state.startswith("Z"):
            return False
        time.sleep(0.1)
    return True


def test_a_process_that_is_killed_is_an_error_that_says_so(tmp_path, monkeypatch):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\necho out of memory >&2\nkill -KILL $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(TuneError, match="killed by SIGKILL: out of memory"):
        measure_file("onnx", tmp_path / "model.onnx", IMAGES)


def test_the_measuring_process_loads_no_other_runtime(onnx_file):
    code = (
        "import sys; from pathlib import Path; from search.formats.runtimes import FORMATS\n"
        "heavy = {'tensorflow', 'keras', 'ai_edge_litert', 'onnxruntime', 'PIL', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "FORMATS['onnx'].open(Path(sys.argv[1]))\n"
        "assert heavy & set(sys.modules) == {'onnxruntime'}"
    )
    subprocess.run([sys.executable, "-c", code, onnx_file], check=True, timeout=60)


def test_images_are_answered_in_batches_of_bounded_size():
    sizes = []

    def answer(images):
        sizes.append(len(images))
        return images[:, 0, 0]

    given = in_batches(answer)(IMAGES)
    assert sizes == [BATCH, 5]
    np.testing.assert_array_equal(given, IMAGES[:, 0, 0])


def test_latency_is_of_single_images_and_leaves_the_first_calls_out():
    shapes = []

    def slow_at_first(images):
        shapes.append(images.shape)
        time.sleep(0.05 if len(shapes) <= WARM_UP else 0)

    timed = latency(slow_at_first, IMAGES[0], repeats=7)
    assert shapes == [(1, 6, 4, 3)] * (WARM_UP + 7)
    assert timed.median <= timed.p95 < 0.05


def test_latency_of_a_slow_model_takes_no_longer_than_it_may():
    calls = []
    latency(lambda _: calls.append(time.sleep(0.02)), IMAGES[0], repeats=1000, seconds=0.1)
    assert WARM_UP < len(calls) <= WARM_UP + 6


def test_the_size_of_a_folder_is_that_of_all_its_files(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"12345")
    (tmp_path / "variables" / "data").write_bytes(b"123")
    assert size_of(tmp_path) == 8
    assert size_of(tmp_path / "saved_model.pb") == 5
