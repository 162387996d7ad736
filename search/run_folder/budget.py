"""What a model costs to run, and what it may cost, as values."""

from dataclasses import dataclass

from search.process.wording import megabytes


@dataclass(frozen=True)
class Cost:
    """The largest of the files asked for: seconds per image (median), bytes on disk."""

    latency: float
    size: int

    def in_words(self) -> str:
        """`12.3 ms, 4.1 MB`."""
        return f"{self.latency * 1e3:.1f} ms, {megabytes(self.size)}"


@dataclass(frozen=True)
class Budget:
    """What a file may cost: seconds per image and bytes; None for anything."""

    latency: float | None = None
    size: int | None = None

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self.latency is not None or self.size is not None

    def allows(self, cost: Cost) -> bool:
        """Whether both limits are kept."""
        in_time = self.latency is None or cost.latency <= self.latency
        return in_time and (self.size is None or cost.size <= self.size)

    def in_words(self) -> str:
        """`15 ms and 5.0 MB`."""
        limits = [f"{self.latency * 1e3:g} ms"] if self.latency is not None else []
        return " and ".join(limits + ([megabytes(self.size)] if self.size is not None else []))
