"""`tune report`, from top to bottom: read the run, measure, look at mistakes, write one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from data_pipeline.errors import DataError
from models.errors import ModelError
from search.errors import TuneError
from search.experiment import Experiment
from search.interrupt import Going
from search.report.album import class_samples, require_pictures, set_aside
from search.report.contents import Contents, read_contents
from search.report.front import Offer, pareto_front
from search.report.latency import architecture_key, measure_latencies
from search.report.mistakes import Mistake
from search.report.page import page
from search.store import RunFolder, write_bytes


@dataclass(frozen=True)
class Wanted:
    """What a report is to hold.

    Attributes:
        file: where it is written; None for the run's folder.
        pictures: whether pictures of the user's are part of it.
        measure: seconds that may be spent on measuring latency.
    """

    file: Path | None = None
    pictures: bool = True
    measure: float = 60.0


def write_report(run: RunFolder, wanted: Wanted, *, going: Going, console: Console) -> Path:
    """Write the report of a run, whole or not at all.

    Returns:
        The file.

    Raises:
        TuneError: a file of the run is missing or broken, or its pictures are gone.
        KeyboardInterrupt: told to stop.
    """
    if wanted.pictures:
        require_pictures(run)
    contents = read_contents(run)
    if _measure(contents, wanted.measure, going=going, console=console):
        contents = read_contents(run)
    samples = class_samples(run, contents.data["labels"]) if wanted.pictures else {}
    file = wanted.file or run.report
    text = page(
        contents,
        samples=samples,
        aside=set_aside(run, pictures=wanted.pictures),
        mistakes=_mistakes(contents, console) if wanted.pictures else (),
    )
    write_bytes(file, text.encode())
    return file


def _measure(contents: Contents, seconds: float, *, going: Going, console: Console) -> bool:
    """Measure latencies that are not known; whether any was."""
    scored = [one for one in contents.tried if one.accuracy is not None]
    unknown = {architecture_key(one.values) for one in scored if one.milliseconds is None}
    if not unknown or seconds <= 0:
        return False
    offers = (Offer(one.megabytes or 0, one.accuracy or 0, k) for k, one in enumerate(scored))
    first = [scored[offer.number] for offer in pareto_front(offers)]
    try:
        experiment = Experiment.load(contents.run)
    except OSError as error:
        console.print(f"latency not measured: {error}", soft_wrap=True, markup=False)
        return False
    measure_latencies(
        experiment,
        [one.values for one in (*first, *scored)],
        seconds=seconds,
        going=going,
        console=console,
    )
    return True


def _mistakes(contents: Contents, console: Console) -> Sequence[Mistake]:
    """The mistakes with their pictures and, where there is an exported model, its heat maps."""
    from search.report.illustrated import with_heat, with_pictures

    if contents.answers is None or not contents.answers.mistakes:
        return ()
    found = with_pictures(contents.answers.mistakes)
    if not contents.answers.exported:
        return found
    try:
        return with_heat(found, contents.run)
    except (DataError, ModelError, TuneError) as error:
        console.print(f"no heat maps: {error}", soft_wrap=True, markup=False)
        return found
