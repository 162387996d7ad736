"""Find the GPUs that this process may use, by NVIDIA's management library: no CUDA, milliseconds.

CUDA_VISIBLE_DEVICES is read as CUDA reads it (CUDA C++ Programming Guide, "CUDA Environment
Variables"; MIG User Guide, "CUDA Device Enumeration"): its entries are numbers, UUIDs or beginnings
of one, or names of MIG devices, and the first that names nothing ends the list.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

DRIVER = Path("/proc/driver/nvidia/gpus")  # a folder for each, where containers lack the library
WSL = Path("/usr/lib/wsl/lib/libnvidia-ml.so.1")  # the library under Windows, not always in a path


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a part of one that CUDA sees as one (MIG).

    Attributes:
        visible: what CUDA_VISIBLE_DEVICES calls it.
        name: of the product; "" where only the driver shows it.
        memory: bytes; 0 where that is not known.
        free: bytes of them that nobody uses now; 0 where that is not known.
    """

    visible: str
    name: str = ""
    memory: int = 0
    free: int = field(default=0, compare=False)

    def in_words(self) -> str:
        """Name it, with its memory."""
        name = self.name or f"GPU {self.visible}"
        return f"{name} ({self.memory / 2**30:.0f} GiB)" if self.memory else name


@dataclass(frozen=True)
class _Card:
    """A GPU with the parts that it is divided into, each with its number as (GPU, compute)."""

    gpu: Gpu | None  # None for one that this process may not look at, or that is broken
    divided: bool = False
    parts: tuple[tuple[Gpu, tuple[int, int]], ...] = ()

    @property
    def usable(self) -> tuple[Gpu, ...]:
        """Itself, or its parts: what is divided can be used by these alone."""
        if self.gpu is None:
            return ()
        return tuple(part for part, _ in self.parts) if self.divided else (self.gpu,)

    def named(self, entry: str) -> Gpu | None:
        """Itself or the part that a UUID or its beginning names; of what is divided a part."""
        for part, _ in self.parts:
            if part.visible.startswith(entry):
                return part
        if self.gpu is None or not self.gpu.visible.startswith(entry):
            return None
        return next(iter(self.usable), None)


def installed_gpus() -> tuple[Gpu, ...]:
    """All that this machine has, those too that CUDA_VISIBLE_DEVICES leaves out."""
    return tuple(gpu for card in _cards() for gpu in card.usable)


def visible_gpus() -> tuple[Gpu, ...]:
    """Those that this process may use, in the order of CUDA_VISIBLE_DEVICES."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed in ("", "-1"):
        return ()
    cards = _cards()
    if allowed is None:
        return tuple(gpu for card in cards for gpu in card.usable)
    found: dict[str, Gpu] = {}
    for entry in allowed.split(","):
        gpu = _named(entry.strip(), cards)
        if gpu is None:
            break
        found.setdefault(gpu.visible, gpu)
    return tuple(found.values())


def _named(entry: str, cards: list[_Card]) -> Gpu | None:
    """The GPU that an entry names; None where it names none, or more than one."""
    if entry.isdigit():
        return _numbered(int(entry), cards)
    if entry.startswith("MIG-GPU-"):
        uuid, *numbers = entry.removeprefix("MIG-").split("/")
        parts = [p for card in cards if card.gpu and card.gpu.visible == uuid for p in card.parts]
        matching = [replace(gpu, visible=entry) for gpu, at in parts if [*map(str, at)] == numbers]
    else:
        matching = [gpu for card in cards if entry and (gpu := card.named(entry))]
    return matching[0] if len(matching) == 1 else None


def _numbered(number: int, cards: list[_Card]) -> Gpu | None:
    """The GPU of a number, which stays one: where models differ CUDA may count in its own order."""
    if number >= len(cards):
        return None
    alike = len({card.gpu.name for card in cards if card.gpu}) == 1
    counted = alike or os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    # Of a divided GPU a number means its first part.
    gpu = next(iter(cards[number].usable), None)
    if gpu is None or cards[number].divided:
        return gpu
    return replace(gpu, visible=str(number)) if counted else Gpu(str(number))


def _cards() -> list[_Card]:
    """Every GPU, in the order of the PCI bus."""
    with _library() as nvml:
        if nvml is None:
            return [_Card(Gpu(str(number))) for number, _ in enumerate(DRIVER.glob("*"))]
        return [_card(nvml, number) for number in range(nvml.nvmlDeviceGetCount())]


@contextmanager
def _library() -> Iterator[ModuleType | None]:
    """NVIDIA's library; None where there is no driver."""
    import pynvml

    try:
        if WSL.exists():
            ctypes.CDLL(str(WSL))  # the loader then finds it by its name
        pynvml.nvmlInit()
    except (pynvml.NVMLError, OSError):
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def _card(nvml: ModuleType, number: int) -> _Card:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(number)
        gpu = _gpu(nvml, handle)
    except nvml.NVMLError:
        return _Card(None)
    try:
        divided = nvml.nvmlDeviceGetMigMode(handle)[0] == nvml.NVML_DEVICE_MIG_ENABLE
    except nvml.NVMLError:  # this model cannot be divided
        divided = False
    parts = _parts(nvml, handle) if divided else ()
    return _Card(gpu, divided, tuple(parts))


def _parts(nvml: ModuleType, handle: Any) -> Iterator[tuple[Gpu, tuple[int, int]]]:
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            part = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
        except nvml.NVMLError:  # numbers without a part between those that have one
            continue
        at = nvml.nvmlDeviceGetGpuInstanceId(part), nvml.nvmlDeviceGetComputeInstanceId(part)
        yield _gpu(nvml, part), at


def _gpu(nvml: ModuleType, handle: Any) -> Gpu:
    try:
        info = nvml.nvmlDeviceGetMemoryInfo(handle)
        memory, free = int(info.total), int(info.free)
    except nvml.NVMLError:  # where it is shared with the processor there is none of its own
        memory = free = 0
    return Gpu(nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle), memory, free)
