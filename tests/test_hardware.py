"""What suits a machine, with GPUs that are made up."""

from types import SimpleNamespace

import pytest

from search.process import hardware
from search.process.hardware import PRECISIONS, Hardware, detect, devices


@pytest.mark.parametrize(
    ("gpus", "capability", "precision"),
    [
        ((), (0, 0), "float32"),
        (("old",), (6, 1), "float32"),
        (("V100",), (7, 0), "mixed_float16"),
        (("T4",), (7, 5), "mixed_float16"),
        (("A100",), (8, 0), "mixed_bfloat16"),
        (("H100",), (9, 0), "mixed_bfloat16"),
        (("newer",), (12, 0), "mixed_bfloat16"),
    ],
)
def test_the_precision_is_the_fastest_that_the_gpu_is_made_for(gpus, capability, precision):
    assert Hardware(gpus, capability).precision("auto") == precision


@pytest.mark.parametrize("asked", PRECISIONS)
def test_a_precision_that_is_asked_for_is_taken_whatever_the_gpu(asked):
    assert Hardware((), (0, 0)).precision(asked) == asked
    assert Hardware(("A100",), (8, 0)).precision(asked) == asked


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with so many GPUs, of which CUDA_VISIBLE_DEVICES allows some."""

    def with_gpus(count, allowed=None):
        for number in range(count):
            (tmp_path / f"0000:0{number}:00.0").mkdir()
        monkeypatch.setattr(hardware, "GPUS", tmp_path)
        if allowed is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)

    return with_gpus


@pytest.mark.parametrize(
    ("gpus", "workers", "expected"),
    [
        (0, None, [None]),
        (0, 3, [None, None, None]),
        (2, None, [0, 1]),
        (2, 1, [0]),
        (2, 3, [0, 1, 0]),
    ],
)
def test_each_gpu_has_a_worker_and_more_workers_share_them_in_turn(
    machine, gpus, workers, expected
):
    machine(gpus)
    assert devices(workers) == expected


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [("1", [1]), ("2,0", [2, 0]), ("0, 1", [0, 1]), ("", [None]), ("-1", [None])],
)
def test_only_gpus_that_the_environment_allows_are_used(machine, allowed, expected):
    machine(3, allowed)
    assert devices(None) == expected


def test_a_variable_that_allows_gpus_where_there_are_none_brings_none(machine):
    machine(0, "0,1")
    assert devices(None) == [None]


def test_the_weakest_gpu_decides_and_memory_grows_as_needed(monkeypatch):
    details = {
        "a": {"device_name": "A100", "compute_capability": (8, 0)},
        "b": {"device_name": "T4", "compute_capability": (7, 5)},
    }
    grown = []
    config = SimpleNamespace(
        list_physical_devices=lambda kind: list(details) if kind == "GPU" else ["cpu"],
        experimental=SimpleNamespace(
            set_memory_growth=lambda gpu, wanted: grown.append((gpu, wanted)),
            get_device_details=details.get,
        ),
    )
    monkeypatch.setattr(hardware, "import_tensorflow", lambda: SimpleNamespace(config=config))
    found = detect()
    assert found == Hardware(("A100", "T4"), (7, 5))
    assert grown == [("a", True), ("b", True)]
