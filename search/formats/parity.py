"""Check that each exported file computes what the trained model does, before it is used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.formats.format import Format
from search.formats.measuring import Measured
from search.formats.registry import ALWAYS, FORMATS
from search.process.wording import in_percent
from search.run_folder.exported.metrics import FileFigures


@dataclass(frozen=True)
class Parity:
    """How one file compares with the model.

    Attributes:
        format: its row in the table of formats, with the tolerance that it is held to.
        measured: what its own runtime made of it.
        difference: of a probability from the model's, at most.
        mean: total variation of an image's probabilities from the model's, on average, 0 to 1.
        agreement: share of images that get the model's label, or are ties.
        answered: share of images that reach the threshold, in the file and in the model; None
            without one.
    """

    format: Format
    measured: Measured
    difference: float
    mean: float
    agreement: float
    answered: tuple[float, float] | None = None

    @property
    def problems(self) -> list[str]:
        """List each limit that is broken, with its figure. What is no number breaks a limit."""
        tolerance, problems = self.format.tolerance, []
        # `not … <=` and not `>`: a comparison with NaN is false, and NaN must not pass.
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
                f"{in_percent(self.agreement)} of the labels agree, at least "
                f"{in_percent(tolerance.agreement, 0)}"
            )
        if tolerance.answered is not None and self.answered:
            own, models = self.answered
            # A difference of exactly the limit passes, however it is rounded.
            if abs(own - models) > tolerance.answered + 1e-9:
                problems.append(
                    f"{in_percent(own)} of the images reach the threshold, with the model "
                    f"{in_percent(models)}"
                )
        return problems

    def figures(self) -> FileFigures:
        """Give what `metrics.json` holds of the file."""
        return FileFigures(
            format=self.format.name,
            file=self.format.file,
            size=self.measured.size,
            latency_median=self.measured.latency.median,
            latency_p95=self.measured.latency.p95,
            load_seconds=self.measured.load_seconds,
            peak_memory=self.measured.peak_memory,
            largest_difference=self.difference,
            mean_difference=self.mean,
            agreement=self.agreement,
            others_load=self.measured.latency.others,
        )


def check(
    measured: dict[str, Measured],
    expected: NDArray[np.float32],
    *,
    threshold: float | None = None,
) -> list[Parity]:
    """Compare each file's answers with those of the model on the same images.

    Args:
        measured: by name of the format.
        expected: float32 [n, classes], the trained model's on prepared pixels.
        threshold: confidence from which the model answers; None for always.

    Raises:
        TuneError: a file does not give one probability per image and class.
    """
    return [_compared(FORMATS[name], each, expected, threshold) for name, each in measured.items()]


def _compared(
    row: Format, measured: Measured, expected: NDArray[np.float32], threshold: float | None
) -> Parity:
    answers = measured.probabilities
    if answers.shape != expected.shape:
        raise TuneError(
            f"{row.file}: answers {list(answers.shape)} (images, classes), "
            f"expected {list(expected.shape)}; export again from this run"
        )
    differences = np.abs(answers.astype(np.float64) - expected)
    # What the model gives the class that the file chose: a tie of the model is no disagreement.
    chosen = expected[np.arange(len(expected)), answers.argmax(axis=1)]
    agree = chosen >= expected.max(axis=1) - row.tolerance.tie
    return Parity(
        format=row,
        measured=measured,
        difference=float(differences.max()),
        mean=float(differences.sum(axis=1).mean() / 2),  # what moves is counted twice: from and to
        agreement=float(agree.mean()),
        answered=(
            None if threshold is None else (_reach(answers, threshold), _reach(expected, threshold))
        ),
    )


def _reach(answers: NDArray[np.float32], threshold: float) -> float:
    """Share of images whose highest probability is the threshold or above."""
    return float((answers.max(axis=1) >= threshold).mean())


def require(parities: list[Parity]) -> None:
    """Refuse files that do not compute what the model does.

    Raises:
        TuneError: names each of them with its figures and limits.
    """
    wrong = [parity for parity in parities if parity.problems]
    if not wrong:
        return
    figures = "; ".join(f"{parity.format.file} ({parity.problems[0]})" for parity in wrong)
    without = " and ".join(parity.format.asked_for for parity in wrong)
    # The file that is always written cannot be left out by asking for fewer formats.
    always = any(parity.format is ALWAYS for parity in wrong)
    mend = "please report it" if always else f"export again without {without}"
    raise TuneError(f"nothing exported: not what the trained model answers: {figures}; {mend}")
