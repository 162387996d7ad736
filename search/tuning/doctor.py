"""Look at the machine that a search would run on, and at what it lacks for which command."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from data_pipeline.processes.cores import cores
from search.errors import TuneError
from search.executors.ray.command_name import lost_command
from search.formats.registry import FORMATS
from search.process.machine.disk import RESERVE_BYTES, free_bytes
from search.process.machine.gpus import installed_gpus, visible_gpus
from search.process.machine.hardware import Hardware
from search.process.machine.memory import machine_memory
from search.process.progress import ProgressSink
from search.run_folder.data_summary import this_version
from search.tuning.planning.resolve_config import load_tensorflow

_PACKAGES = ("tensorflow", "keras", "keras-tuner", "numpy", "pillow", "scikit-learn")
_LITTLE_MEMORY = 4 * 2**30  # bytes; a worker and the driver take about 2 GB together


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: it is.
        found: in words.
        fine: whether nothing needs to be done about it.
    """

    what: str
    found: str
    fine: bool = True


def examine(results: Path, cache_dir: Callable[[], Path], progress: ProgressSink) -> list[Finding]:
    """Look at versions, processor, GPUs, memory, disks, weights and optional packages.

    Args:
        results: folder of all runs.
        cache_dir: gives the folder where checked catalogs and prepared pixels are kept, or raises
            a TuneError where there can be none.
        progress: told what is done; TensorFlow takes seconds to import.
    """
    hardware = load_tensorflow(progress)
    return [
        _command(),
        *(Finding(name, _version(name)) for name in _PACKAGES),
        Finding("processor", f"{platform.machine()}, {cores()} cores"),
        _memory(),
        _gpus(hardware),
        _disk("results", results),
        _cache(cache_dir),
        _weights(),
        *_optional(),
    ]


def _command() -> Finding:
    lost = lost_command()
    words = f"{this_version()}, Python {platform.python_version()}"
    return Finding("tune", f"{words}; {lost}" if lost else words, fine=not lost)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # tensorflow-cpu is another package with the same module
        return "installed under another name" if find_spec(name.replace("-", "_")) else "missing"


def _memory() -> Finding:
    memory = machine_memory()
    return Finding("memory", f"{memory / 2**30:.1f} GiB", fine=memory >= _LITTLE_MEMORY)


def _gpus(hardware: Hardware) -> Finding:
    visible = visible_gpus()
    if said := hardware.unused(visible):
        return Finding("GPUs", said, fine=False)
    if hardware.gpus:
        capability = ".".join(map(str, hardware.capability))
        precision = hardware.precision("auto")
        names = ", ".join(gpu.in_words() for gpu in visible) or ", ".join(hardware.gpus)
        return Finding("GPUs", f"{names} (compute capability {capability}, {precision})")
    if there := installed_gpus():
        names = ", ".join(gpu.in_words() for gpu in there)
        return Finding("GPUs", f"{names}, which CUDA_VISIBLE_DEVICES leaves out")
    return Finding("GPUs", "none: models are narrower and images smaller, and the plan says so")


def _disk(what: str, path: Path) -> Finding:
    free = free_bytes(path.resolve())
    words = f"{path}, {free / 1e9:,.1f} GB free"
    return Finding(f"disk of the {what}", words, fine=free > 4 * RESERVE_BYTES)


def _cache(cache_dir: Callable[[], Path]) -> Finding:
    try:
        return _disk("cache", cache_dir())
    except TuneError as error:
        return Finding("disk of the cache", str(error), fine=False)


def _weights() -> Finding:
    from models.pretrained.backbones import BACKBONES
    from models.pretrained.weights import cached, keras_cache_folder

    there = [
        name for name, each in BACKBONES.items() if cached(each.file_names((224, 224))) is not None
    ]
    folder = keras_cache_folder()
    if there:
        return Finding("weights", f"{', '.join(there)} in {folder}; others are downloaded")
    return Finding("weights", f"none yet in {folder}; they are downloaded when first needed")


def _optional() -> Iterator[Finding]:
    for row in FORMATS.values():
        missing = [package for package in row.packages if not find_spec(package)]
        if missing:
            words = f"pip install 'image-tune[{row.extra}]' ({', '.join(missing)} missing)"
            yield Finding(row.asked_for, words, fine=False)
    if not find_spec("pillow_heif"):
        yield Finding("HEIC photos", "pip install 'image-tune[heic]'", fine=False)
