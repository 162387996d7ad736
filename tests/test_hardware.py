"""What suits a machine, with GPUs that are made up."""

from types import SimpleNamespace

import pytest

from search.process.machine import hardware
from search.process.machine.gpus import Gpu
from search.process.machine.hardware import PRECISIONS, Hardware, detect, devices


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
def machine(monkeypatch):
    """A machine with so many GPUs that may be used."""

    def with_gpus(count):
        found = tuple(Gpu(f"GPU-{number}", "A100", 80 * 2**30) for number in range(count))
        monkeypatch.setattr(hardware, "visible_gpus", lambda: found)
        return found

    return with_gpus


@pytest.mark.parametrize(
    ("gpus", "workers", "per_gpu", "expected"),
    [
        (0, None, 1, [None]),
        (0, None, 3, [None]),
        (0, 3, 1, [None, None, None]),
        (2, None, 1, ["GPU-0", "GPU-1"]),
        (2, None, 2, ["GPU-0", "GPU-1", "GPU-0", "GPU-1"]),
        (2, 1, 1, ["GPU-0"]),
        (2, 3, 1, ["GPU-0", "GPU-1", "GPU-0"]),
    ],
)
def test_each_gpu_has_a_worker_and_more_workers_share_them_in_turn(
    machine, gpus, workers, per_gpu, expected
):
    machine(gpus)
    assert devices(workers, per_gpu) == expected


@pytest.mark.parametrize(
    ("shown", "seen", "said"),
    [
        (0, (), ""),
        (2, ("A100", "A100"), ""),
        (
            2,
            (),
            "NVIDIA's driver shows 2 GPUs (A100 (80 GiB), A100 (80 GiB)), TensorFlow sees none",
        ),
        (2, ("A100",), "TensorFlow sees only 1 of them"),
    ],
)
def test_gpus_that_tensorflow_does_not_see_are_said(machine, shown, seen, said):
    found = Hardware(seen, (8, 0)).unused(machine(shown))
    assert said in found
    assert bool(found) == bool(said)


def test_a_process_sees_one_part_of_a_divided_gpu_and_nothing_is_amiss():
    parts = tuple(Gpu(f"MIG-{number}", "A100 MIG 3g.40gb") for number in range(2))
    assert Hardware(("A100 MIG 3g.40gb",), (8, 0)).unused(parts) == ""
    assert "TensorFlow sees none" in Hardware((), (0, 0)).unused(parts)


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
