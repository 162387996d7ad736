"""The results of an exported model, as `metrics.json` holds them.

The order of the fields is that of the file. Sizes are in bytes, times in seconds, accuracies and
shares 0 to 1, intervals hold 95 %.
"""

from dataclasses import dataclass, field

from search.evaluation.calibration import Abstention, Calibration
from search.evaluation.metrics import Measurement
from search.process.atomic_files import read_json
from search.process.machine.others_load import busy_in_words
from search.process.wording import in_percent
from search.run_folder.budget import Budget
from search.run_folder.data_summary import made_by
from search.run_folder.exported.finalist_rows import Ensemble, FinalistRow
from search.run_folder.paths import RunFolder
from search.run_folder.records import Values
from search.run_folder.schema import from_json, named, omitted
from search.run_folder.time_spent import ExportTime


@dataclass(frozen=True, kw_only=True)
class Slice:
    """How accurate the model is on one kind of test images.

    Attributes:
        name: "dark", "blurry", "small", or a file format.
        images: how many of them were tested.
        accuracy, interval: the share that it told right.
    """

    name: str = named("slice")
    images: int = named("pictures")
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class FileFigures:
    """What an exported file takes by its own runtime, and how far it is from the model.

    Attributes:
        format: a key of `search.formats.registry.FORMATS`.
        file: its name in the export folder.
        size: bytes on disk.
        latency_median, latency_p95: seconds per image, one image per call.
        load_seconds: from importing the runtime to being ready.
        peak_memory: bytes resident at most.
        largest_difference: of one probability from the model's.
        mean_difference: of an image's probabilities, on average.
        agreement: share of images that get the model's label, or are ties.
        others_load: share of all cores that other programs used while it was timed, 0 to 1; None
            where that is not known.
        accuracy: of a quantised file on the test images, on 2,000 of them at most; None for
            others, which answer as the model does.
        abstain: what comes of the threshold there; None without one.
    """

    format: str
    file: str
    size: int
    latency_median: float
    latency_p95: float
    load_seconds: float
    peak_memory: int
    largest_difference: float
    mean_difference: float
    agreement: float
    others_load: float | None = omitted()
    accuracy: float | None = omitted()
    abstain: Abstention | None = omitted()

    def on_test_images(self, accuracy: float) -> str:
        """Say what a quantised file answers to the test images; "" of any other.

        Args:
            accuracy: of the model.
        """
        if self.accuracy is None:
            return ""
        said = (
            f"{self.file}: accuracy {self.accuracy:.4f} on the test images (model {accuracy:.4f})"
        )
        if self.abstain is None:
            return said
        if self.abstain.precision is None:
            return f"{said}; none reaches the threshold"
        return (
            f"{said}; {in_percent(self.abstain.coverage)} reach the threshold, "
            f"{in_percent(self.abstain.precision)} of these are right"
        )


@dataclass(frozen=True, kw_only=True)
class HeldOutFigures(Measurement):
    """What the test images showed.

    Attributes:
        test_set_opened: how often the test images of this run were looked at.
        ece_uncalibrated: expected calibration error without the temperature.
        slices: kinds of images.
        abstain: what comes of the threshold; None without one.
    """

    test_set_opened: int = named("lock_box_opened")
    ece_uncalibrated: float
    slices: tuple[Slice, ...]
    abstain: Abstention | None = omitted()


@dataclass(frozen=True, kw_only=True)
class Metrics(HeldOutFigures):
    """What `metrics.json` holds.

    Attributes:
        run: name of the run.
        summary: the configuration's values in short.
        val_accuracy_in_search: at the best epoch; None where the search did not measure it.
        val_accuracy: mean over the winner's trainings, on validation.
        optimism: `val_accuracy` less the accuracy on the test images.
        verdict: whether the search beat what it began with; "" where that is not known.
        finalists: what was compared, best first.
        cheaper_within: how much worse a cheaper configuration might be, of the objective and
            of log loss; None where an older version, which had another rule, wrote it.
        ensemble: what several together would reach; None if that is not known.
        calibration: how sure the model may be.
        precision_wished: what the threshold was set for; None for no threshold.
        budget: what the files were allowed to cost.
        parity: each written file.
        top, seeds: how many of the best were trained again, and how often at most; None where an
            older version did not write it.
        epochs: that the model was trained for.
        trials: that had finished; None where an older version did not write it.
        configuration: the hyperparameters.
        image_size: (height, width) in pixels.
        trained_on: number of images.
        parameters: number of weights.
        time: where the time of the export went; None where an older version did not write it.
        card: digest of the model card as it was written.
        files: paths of all files of the export.
    """

    run: str
    summary: str
    val_accuracy_in_search: float | None
    val_accuracy: float
    optimism: float
    verdict: str
    finalists: tuple[FinalistRow, ...]
    cheaper_within: float | None = omitted()
    top: int | None = omitted()
    seeds: int | None = omitted()
    ensemble: Ensemble | None = None
    calibration: Calibration
    precision_wished: float | None = None
    budget: Budget = field(default_factory=Budget)
    parity: tuple[FileFigures, ...]
    epochs: int
    trials: int | None = omitted()
    configuration: Values
    image_size: tuple[int, int]
    trained_on: int
    parameters: int
    time: ExportTime | None = omitted()
    card: str = omitted("")
    files: tuple[str, ...] = ()

    @property
    def busy(self) -> str:
        """Say that other programs kept the machine busy while the files were timed; else ""."""
        known = [row.others_load for row in self.parity if row.others_load is not None]
        return busy_in_words(max(known, default=None))

    @classmethod
    def load(cls, run: RunFolder) -> "Metrics":
        """Read `metrics.json`.

        Raises:
            OtherVersionError: an older version wrote it, and it lacks a key.
            TuneError: it is missing or broken.
        """
        return from_json(cls, read_json(run.metrics), file=run.metrics, made_by=made_by(run))
