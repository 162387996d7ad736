"""Which GPUs there are and may be used, by a library that is made up, as NVIDIA's answers."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pynvml
import pytest

from search.process.machine import gpus
from search.process.machine.gpus import Gpu, installed_gpus, visible_gpus

GIB = 2**30
WORDS = {"uuid": "UUID"}


@dataclass
class Card:
    uuid: str
    name: str = "NVIDIA A100"
    memory: int = 80 * GIB
    divided: bool = False
    parts: dict = field(default_factory=dict)
    at: tuple = ()


def part(uuid, gpu_instance, compute_instance=0):
    return Card(uuid, "NVIDIA A100 MIG 3g.40gb", 40 * GIB, at=(gpu_instance, compute_instance))


class Nvml:
    """The functions of pynvml that are used, of a machine with these GPUs."""

    def __init__(self, cards):
        self.cards, self.open = cards, 0

    def init(self):
        if self.cards is None:
            raise pynvml.NVMLError_LibraryNotFound
        self.open += 1

    def shutdown(self):
        self.open -= 1

    def device_get_count(self):
        assert self.open
        return len(self.cards)

    def device_get_handle_by_index(self, number):
        if self.cards[number] is LOST:
            raise pynvml.NVMLError_GpuIsLost
        return self.cards[number]

    def device_get_mig_mode(self, card):
        if "A100" not in card.name:
            raise pynvml.NVMLError_NotSupported
        return [int(card.divided), 0]

    def device_get_max_mig_device_count(self, card):
        return 7

    def device_get_mig_device_handle_by_index(self, card, number):
        if number not in card.parts:
            raise pynvml.NVMLError_NotFound
        return card.parts[number]

    def device_get_gpu_instance_id(self, card):
        return card.at[0]

    def device_get_compute_instance_id(self, card):
        return card.at[1]

    def device_get_uuid(self, card):
        return card.uuid

    def device_get_name(self, card):
        return card.name

    def device_get_memory_info(self, card):
        if not card.memory:
            raise pynvml.NVMLError_NotSupported
        return SimpleNamespace(total=card.memory, free=card.memory // 2)


LOST = Card("", "")
A, B = Card("GPU-aaaa1111"), Card("GPU-aabb2222")
T4 = Card("GPU-cccc3333", "Tesla T4", 16 * GIB)
DIVIDED = Card("GPU-dddd4444", divided=True, parts={0: part("MIG-11aa", 1), 3: part("MIG-22bb", 2)})


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with these GPUs, of which CUDA_VISIBLE_DEVICES allows some."""

    def with_gpus(*cards, allowed=None, driver=0):
        library = Nvml(list(cards) if cards else None)
        for name in [name for name in vars(Nvml) if not name.startswith("_")]:
            theirs = "nvml" + "".join(WORDS.get(word, word.title()) for word in name.split("_"))
            monkeypatch.setattr(pynvml, theirs, getattr(library, name))
        for number in range(driver):
            (tmp_path / f"0000:0{number}:00.0").mkdir()
        monkeypatch.setattr(gpus, "DRIVER", tmp_path)
        monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
        if allowed is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
        return library

    return with_gpus


def names():
    return [gpu.visible for gpu in visible_gpus()]


def test_without_a_driver_there_are_none(machine):
    machine(allowed="0,1")
    assert (installed_gpus(), visible_gpus()) == ((), ())


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(None, ["GPU-aaaa1111", "GPU-aabb2222"]), ("2,0", ["2", "0"]), ("0,1,2", ["0"])],
)
def test_one_that_is_lost_leaves_the_others_and_keeps_its_number(machine, allowed, expected):
    machine(A, LOST, B, allowed=allowed)
    assert names() == expected


@pytest.mark.parametrize("allowed", ["", "-1"])
def test_where_none_may_be_used_nothing_is_asked(machine, monkeypatch, allowed):
    machine(A, allowed=allowed)
    monkeypatch.setattr(gpus, "_cards", lambda: 1 / 0)
    assert visible_gpus() == ()


def test_they_are_known_by_name_and_memory_and_the_library_is_closed_again(machine):
    library = machine(A, T4)
    assert visible_gpus() == (
        Gpu("GPU-aaaa1111", "NVIDIA A100", 80 * GIB),
        Gpu("GPU-cccc3333", "Tesla T4", 16 * GIB),
    )
    assert [gpu.free for gpu in visible_gpus()] == [40 * GIB, 8 * GIB]
    assert library.open == 0
    assert [gpu.in_words() for gpu in visible_gpus()] == [
        "NVIDIA A100 (80 GiB)",
        "Tesla T4 (16 GiB)",
    ]


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, ["GPU-aaaa1111", "GPU-aabb2222"]),
        ("1", ["1"]),
        ("1,0", ["1", "0"]),
        ("0, 1", ["0", "1"]),
        ("0,0", ["0"]),
        ("", []),
        ("-1", []),
        ("0,-1,1", ["0"]),  # what names nothing ends the list
        ("5", []),
        ("NoDevFiles", []),
        ("GPU-aabb2222", ["GPU-aabb2222"]),
        ("GPU-aab", ["GPU-aabb2222"]),  # its beginning is enough
        ("GPU-aa", []),  # it begins two
        ("GPU-aabb2222,0", ["GPU-aabb2222", "0"]),
    ],
)
def test_the_variable_is_read_as_cuda_reads_it(machine, allowed, expected):
    machine(A, B, allowed=allowed)
    assert names() == expected
    assert len(installed_gpus()) == 2


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, ["GPU-aaaa1111", "MIG-11aa", "MIG-22bb"]),
        ("MIG-22bb", ["MIG-22bb"]),
        ("MIG-22bb,MIG-11aa", ["MIG-22bb", "MIG-11aa"]),
        ("MIG-GPU-dddd4444/2/0", ["MIG-GPU-dddd4444/2/0"]),
        ("MIG-GPU-dddd4444/9/0", []),
        ("GPU-dddd", ["MIG-11aa"]),  # as CUDA has it, its first part
        ("1", ["MIG-11aa"]),
    ],
)
def test_a_divided_gpu_is_its_parts(machine, allowed, expected):
    machine(A, DIVIDED, allowed=allowed)
    assert names() == expected


def test_a_divided_gpu_without_parts_can_not_be_used(machine):
    machine(Card("GPU-eeee5555", divided=True))
    assert visible_gpus() == ()
    machine(Card("GPU-eeee5555", divided=True), allowed="0")
    assert visible_gpus() == ()


def test_a_number_names_no_model_where_cuda_may_count_in_its_own_order(machine, monkeypatch):
    machine(T4, A, allowed="0")
    assert visible_gpus() == (Gpu("0"),)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert visible_gpus() == (Gpu("0", "Tesla T4", 16 * GIB),)


def test_where_the_library_is_missing_the_driver_is_asked(machine):
    machine(driver=2, allowed="1")
    assert visible_gpus() == (Gpu("1"),)
    assert [gpu.in_words() for gpu in installed_gpus()] == ["GPU 0", "GPU 1"]


def test_a_gpu_that_shares_its_memory_has_none_of_its_own(machine):
    machine(Card("GPU-ffff6666", "NVIDIA GB10", 0))
    assert [gpu.in_words() for gpu in visible_gpus()] == ["NVIDIA GB10"]


def test_under_windows_its_library_is_loaded_from_where_it_lies(machine, monkeypatch, tmp_path):
    machine(A)
    loaded = []
    monkeypatch.setattr(gpus, "WSL", tmp_path / "libnvidia-ml.so.1")
    monkeypatch.setattr(gpus.ctypes, "CDLL", loaded.append)
    assert names() == ["GPU-aaaa1111"]
    assert loaded == []
    gpus.WSL.touch()
    assert names() == ["GPU-aaaa1111"]
    assert loaded == [str(gpus.WSL)]
