"""`tune report`, from top to bottom: read the run, measure, look at mistakes, write one file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_pipeline.atomic_files import write_bytes
from data_pipeline.errors import DataError
from models.errors import ModelError
from models.space import architecture_key
from search.errors import TuneError
from search.overview.comparison import Comparison, compare
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.report.album import class_samples, excluded, require_images
from search.report.configurations import with_latencies
from search.report.contents import Contents, read_contents
from search.report.front import Offer, pareto_front
from search.report.latency import known_latencies, measure_latencies
from search.report.mistakes import Mistake
from search.report.page import report_page
from search.run_folder.data import require_written
from search.run_folder.paths import RunFolder
from search.trial.experiment import Experiment


@dataclass(frozen=True)
class Wanted:
    """What a report is to hold.

    Attributes:
        file: where it is written; None for the run's folder.
        images: whether images of the user's are part of it.
        measure: seconds that may be spent on measuring latency.
        beside: runs that it is compared with; without any the one that it updates.
    """

    file: Path | None = None
    images: bool = True
    measure: float = 60.0
    beside: tuple[RunFolder, ...] = ()


def write_report(
    run: RunFolder, wanted: Wanted, *, stop: StopSignal, progress: ProgressSink
) -> Path:
    """Write the report of a run, whole or not at all.

    Returns:
        The file.

    Raises:
        TuneError: a file of the run is missing or broken, or its images are gone.
        KeyboardInterrupt: told to stop.
    """
    require_written(run, run.images)
    if wanted.images:  # before a minute is spent on measuring
        require_images(run)
    contents = read_contents(run)
    if contents.outdated:
        progress.message(contents.outdated)
    latencies = _measured(contents, wanted.measure, stop=stop, progress=progress)
    contents = replace(contents, tried=with_latencies(contents.tried, latencies))
    stop.raise_if_requested()
    samples = class_samples(run, contents.data.class_names) if wanted.images else {}
    aside = excluded(run, images=wanted.images)
    stop.raise_if_requested()
    mistakes = _mistakes(contents, progress) if wanted.images else ()
    stop.raise_if_requested()
    file = wanted.file or run.report
    page = report_page(
        contents,
        samples=samples,
        aside=aside,
        mistakes=mistakes,
        beside=_compared(contents, wanted.beside, progress),
    )
    write_bytes(file, page.encode())
    return file


def _compared(
    contents: Contents, beside: Sequence[RunFolder], progress: ProgressSink
) -> Comparison | None:
    """Compare the run with others, else with the one that it updates where that can be read."""
    if beside:
        return compare([contents.run, *beside])
    if contents.config.updates is None:
        return None
    try:
        return compare([contents.run, RunFolder(Path(contents.config.updates))])
    except TuneError as error:  # nobody asked for it by name
        progress.message(f"not compared with the run that it updates: {error}")
        return None


def _measured(
    contents: Contents, seconds: float, *, stop: StopSignal, progress: ProgressSink
) -> dict[str, float]:
    """Measure latencies by architecture as far as they are not known."""
    judged = [each for each in contents.tried if each.images is None]
    scored = [each for each in judged if each.accuracy is not None]
    known = known_latencies(contents.run)
    # Where nothing is to be measured TensorFlow is not loaded, and no pixels are needed.
    if seconds <= 0 or all(architecture_key(each.values) in known for each in scored):
        return known
    offers = (Offer(each.megabytes or 0, each.accuracy or 0, k) for k, each in enumerate(scored))
    # Those that nothing beats come first: time may be up before all are measured.
    first = [scored[offer.number] for offer in pareto_front(offers)]
    wanted = [each.values for each in (*first, *scored)]
    try:
        experiment = Experiment.load(contents.run)
        return measure_latencies(experiment, wanted, seconds=seconds, stop=stop, progress=progress)
    except (ModelError, TuneError) as error:  # only latencies need pixels and models
        progress.message(f"latency not measured: {error}")
        return known_latencies(contents.run)


def _mistakes(contents: Contents, progress: ProgressSink) -> Sequence[Mistake]:
    """Add images to the mistakes and, where there is an exported model, its heat maps."""
    from search.report.illustrated import with_heat, with_images

    if contents.answers is None or not contents.answers.mistakes:
        return ()
    mistakes = with_images(contents.answers.mistakes)
    if not contents.answers.exported:
        return mistakes
    try:
        # Of all the report this alone needs the exported model, which may be gone or without maps.
        return with_heat(mistakes, contents.run)
    except (DataError, ModelError, TuneError) as error:
        progress.message(f"no heat maps: {error}")
        return mistakes
