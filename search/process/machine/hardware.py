"""What TensorFlow makes of the GPUs of this machine, and the precision that suits them."""

import platform
from dataclasses import dataclass

from data_pipeline.processes.cores import cores
from search.process.machine.gpus import Gpu, visible_gpus
from search.process.quiet import import_tensorflow
from search.process.wording import counted

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Hardware:
    """The GPUs of a machine.

    Attributes:
        gpus: their names.
        capability: the lowest compute capability among them, (0, 0) without any.
    """

    gpus: tuple[str, ...]
    capability: tuple[int, int]

    def precision(self, asked: str) -> str:
        """Resolve "auto": bfloat16 from compute capability 8.0, float16 from 7.0, else float32."""
        if asked != "auto":
            return asked
        if not self.gpus or self.capability < (7, 0):
            return "float32"
        return "mixed_bfloat16" if self.capability >= (8, 0) else "mixed_float16"

    def unused(self, visible: tuple[Gpu, ...]) -> str:
        """Say which of the GPUs that may be used TensorFlow does not see; "" where it sees all."""
        missing = len(visible) - len(self.gpus)
        # CUDA shows one process one part of a divided GPU alone; each worker has its own.
        if missing <= 0 or (self.gpus and any(gpu.visible.startswith("MIG-") for gpu in visible)):
            return ""
        seen = f"only {len(self.gpus)} of them" if self.gpus else "none"
        return (
            f"NVIDIA's driver shows {counted(len(visible), 'GPU')} "
            f"({', '.join(gpu.in_words() for gpu in visible)}), TensorFlow sees {seen}: install "
            "tensorflow[and-cuda], and see that the driver is new enough for it"
        )


def detect() -> Hardware:
    """Look at the devices that TensorFlow can use; grow GPU memory as needed, not all at once."""
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return Hardware(
        gpus=tuple(detail.get("device_name", "GPU") for detail in details),
        capability=min((d.get("compute_capability", (0, 0)) for d in details), default=(0, 0)),
    )


def devices(workers: int | None, per_gpu: int = 1) -> list[str | None]:
    """For each worker the GPU that it shall see.

    Looks at what the driver shows rather than through TensorFlow, which takes seconds.

    Args:
        workers: how many; None for `per_gpu` on each GPU, or one on the processor.
        per_gpu: workers on each GPU.

    Returns:
        What CUDA_VISIBLE_DEVICES of each worker shall be; None for the processor.
    """
    gpus: list[str | None] = [gpu.visible for gpu in visible_gpus()]
    if workers is None:
        return gpus * per_gpu or [None]
    return [gpus[number % len(gpus)] if gpus else None for number in range(workers)]


def machine_name() -> str:
    """Name this machine: times of another one say nothing here."""
    return f"{platform.node()} {platform.machine()} {cores()}"
