"""Does each exported file compute what the trained model does? The gate before it is used."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.formats.measuring import Measured
from search.formats.write import FILES, INT8


@dataclass(frozen=True)
class Tolerance:
    """How far a file may be from the model.

    Attributes:
        difference: of one probability at most; None where only the average counts.
        mean: of an image's probabilities, on average: what the file moves from class to class.
        agreement: share of images that must get the same label, 0 to 1.
    """

    difference: float | None
    mean: float
    agreement: float

    @property
    def tie(self) -> float:
        """Where the model's two best are closer than this, either label will do."""
        return 2 * (self.mean if self.difference is None else self.difference)


# Of three trained networks' 200 photos, float files were off by 1.4e-5 at most, and int8 files by
# 0.016 on average with 98.5 % of the labels; ranges set by one class alone gave 0.18 and 70 %.
FLOAT = Tolerance(difference=3e-4, mean=3e-4, agreement=1.0)
QUANTISED = Tolerance(difference=None, mean=0.05, agreement=0.95)


@dataclass(frozen=True)
class Parity:
    """One file against the model.

    Attributes:
        name: A key of `search.formats.write.FILES`.
        measured: What its own runtime made of it.
        difference: Of a probability from the model's, at most.
        mean: Total variation of an image's probabilities from the model's, on average, 0 to 1.
        agreement: Share of images that get the model's label, or are ties.
        tolerance: What it is held to.
    """

    name: str
    measured: Measured
    difference: float
    mean: float
    agreement: float
    tolerance: Tolerance

    @property
    def problems(self) -> list[str]:
        """Each limit that is broken, with its figure. What is no number breaks a limit."""
        tolerance, problems = self.tolerance, []
        if tolerance.difference is not None and not self.difference <= tolerance.difference:
            problems.append(
                f"a probability is off by {self.difference:.2g}, at most {tolerance.difference:g}"
            )
        if not self.mean <= tolerance.mean:
            problems.append(
                f"probabilities are off by {self.mean:.2g} on average, at most {tolerance.mean:g}"
            )
        if not self.agreement >= tolerance.agreement:
            problems.append(
                f"{self.agreement:.1%} of the labels agree, at least {tolerance.agreement:.0%}"
            )
        return problems

    def row(self) -> dict[str, Any]:
        """For `--json` and metrics.json: sizes in bytes, times in seconds."""
        return {
            "format": self.name,
            "file": FILES.get(self.name, self.name),
            "size": self.measured.size,
            "latency_median": self.measured.latency_median,
            "latency_p95": self.measured.latency_p95,
            "load_seconds": self.measured.load_seconds,
            "peak_memory": self.measured.peak_memory,
            "largest_difference": self.difference,
            "mean_difference": self.mean,
            "agreement": self.agreement,
        }


def check(measured: dict[str, Measured], expected: NDArray[np.float32]) -> list[Parity]:
    """Compare each file's answers with those of the model on the same images.

    Args:
        measured: By name of the format.
        expected: float32 [n, classes], the trained model's on prepared pixels.

    Raises:
        TuneError: a file does not give one probability an image and class.
    """
    return [_compared(name, found, expected) for name, found in measured.items()]


def _compared(name: str, measured: Measured, expected: NDArray[np.float32]) -> Parity:
    given = measured.probabilities
    if given.shape != expected.shape:
        raise TuneError(
            f"{FILES.get(name, name)}: answers {list(given.shape)} (images, classes), "
            f"expected {list(expected.shape)}; export again from this run"
        )
    tolerance = QUANTISED if name == INT8 else FLOAT
    differences = np.abs(given.astype(np.float64) - expected)
    chosen = expected[np.arange(len(expected)), given.argmax(axis=1)]
    agree = chosen >= expected.max(axis=1) - tolerance.tie
    return Parity(
        name=name,
        measured=measured,
        difference=float(differences.max()),
        mean=float(differences.sum(axis=1).mean() / 2),
        agreement=float(agree.mean()),
        tolerance=tolerance,
    )


def require(parities: list[Parity]) -> None:
    """Refuse files that do not compute what the model does.

    Raises:
        TuneError: names each of them with its figures and limits.
    """
    wrong = [parity for parity in parities if parity.problems]
    if not wrong:
        return
    figures = "; ".join(
        f"{FILES.get(parity.name, parity.name)} ({parity.problems[0]})" for parity in wrong
    )
    without = " and ".join("--int8" if p.name == INT8 else f"--format {p.name}" for p in wrong)
    always = any(parity.name == "keras" for parity in wrong)  # written whatever is asked for
    mend = "please report it" if always else f"export again without {without}"
    raise TuneError(f"nothing exported: not what the trained model answers: {figures}; {mend}")
