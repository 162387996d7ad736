"""Estimate the seconds of an export by what trials took."""

from collections.abc import Sequence
from typing import NamedTuple

from models.families.registry import family_named
from search.formats.registry import ALWAYS, FORMATS
from search.process.machine.pace import pace
from search.run_folder.records import TrialRecord, Values
from search.selection.candidates import is_solved
from search.trial.experiment import Experiment

# Besides the retraining: the file is written, read and timed in a process of its own, compared on
# whole photos, tested. Times this machine's pace. On two cores 12 s with one MobileNet and 27 with
# two networks at a pace of 1; at 2, where an image took twice as long too, 27 and 46 s.
FIXED_SECONDS = 4.0
TESTED = 2_000  # test images at most that a quantised file is measured on
SECONDS_PER_NETWORK = 9.0
SECONDS_PER_FORMAT = 11.5  # each further one: converted, and looked at in the same way
SEEN_IMAGES = 400  # besides those to test on
SECONDS_PER_IMAGE = 0.01  # where nothing is known of a network; half of it at least
BUILDING_SECONDS = 2.0  # of a probe's network, which is kept
TRACING_SECONDS = 6.0  # of the training step of a network whose last layers are trained


class Parts(NamedTuple):
    """Seconds of an export, once it is chosen what is exported.

    Attributes:
        retraining: on train + validation.
        files: written, read and timed, compared on whole photos.
        testing: on the test images.
    """

    retraining: float
    files: float
    testing: float


def export_parts(
    record: TrialRecord | None,
    experiment: Experiment,
    records: Sequence[TrialRecord] = (),
    *,
    formats: Sequence[str] | None = None,
) -> Parts:
    """Estimate the seconds of the parts of an export of this configuration.

    Args:
        record: of the configuration; None where none is known yet.
        experiment: the run.
        records: of the run, whose probes say what an image takes on this machine.
        formats: that are written besides the first; by default those of the run.
    """
    names = {*(experiment.config.formats if formats is None else formats)} - {ALWAYS.name}
    quantised = sum(FORMATS[name].quantised for name in names)
    networks = [None] if record is None else _networks(record)
    each = [_seconds_per_image(probe, experiment, records) for probe in networks]
    # What is quantised may be written twice, and is tested one image at a time.
    files = FIXED_SECONDS + SECONDS_PER_FORMAT * (len(names) + quantised)
    files = pace() * (files + SECONDS_PER_NETWORK * len(each))
    alone = min(len(experiment.test), TESTED) * quantised
    return Parts(
        retraining=0.0 if record is None else retraining_seconds(record, experiment),
        files=files + SEEN_IMAGES * sum(each),
        testing=(len(experiment.test) + alone) * sum(each),
    )


def export_seconds(
    record: TrialRecord | None, experiment: Experiment, records: Sequence[TrialRecord] = ()
) -> float:
    """Estimate the seconds of an export of this configuration, where nothing is compared."""
    return sum(export_parts(record, experiment, records))


def _networks(record: TrialRecord) -> list[Values | None]:
    """Values of a probe of each network of its model; None for one without a backbone."""
    name, values = str(record.values["family"]), record.values
    features = family_named(name).features
    if features and (parts := features.parts(values)):
        return list(parts)
    if not family_named(name).pretrained or f"{name}/backbone" not in values:
        return [None]
    own = {f"probe/{key}": values.get(f"{name}/{key}", 0) for key in ("backbone", "image_size")}
    return [{"family": "probe", **own}]


def _seconds_per_image(
    probe: Values | None, experiment: Experiment, records: Sequence[TrialRecord]
) -> float:
    if probe is None:
        return SECONDS_PER_IMAGE
    rungs = [record for record in records if record.values == probe]
    larger = 1.0
    if not rungs:
        rungs, larger = _at_another_size(probe, records)
    if not rungs:
        return SECONDS_PER_IMAGE
    # Each rung computes the features of those images alone that the one before had not.
    seconds = sum(record.seconds for record in rungs) - BUILDING_SECONDS
    images = max(sum(_seen(record, experiment)) for record in rungs)
    return max(seconds / images, SECONDS_PER_IMAGE / 2) * larger


def _at_another_size(
    probe: Values, records: Sequence[TrialRecord]
) -> tuple[list[TrialRecord], float]:
    """Probes of its network at the size nearest to its own, and how many times as large it is."""
    side, backbone = int(probe["probe/image_size"]), probe["probe/backbone"]
    known: dict[int, list[TrialRecord]] = {}
    for record in records:
        if record.finished and record.values.get("probe/backbone") == backbone:
            known.setdefault(int(record.values["probe/image_size"]), []).append(record)
    # Of few images most of the time is not theirs.
    sizes = [size for size, each in known.items() if size and any(r.images is None for r in each)]
    if not side or not sizes:
        return [], 1.0
    nearest = min(sizes, key=lambda size: (abs(size - side), size))
    return known[nearest], (side / nearest) ** 2


def _seen(record: TrialRecord, experiment: Experiment) -> list[int]:
    """How many images to train on and to validate on it saw."""
    counts = len(experiment.train), len(experiment.validation)
    return [min(count, record.images or count) for count in counts]


def retraining_seconds(record: TrialRecord, experiment: Experiment) -> float:
    """Estimate the seconds of the last training, on train + validation, by those of the trial."""
    if is_solved(record):
        # What it was fitted to, and as many of those to validate on: their features are there.
        known = sum(_seen(record, experiment))
        others = max(0.0, record.seconds - BUILDING_SECONDS)
        more = len(experiment.train) + len(experiment.validation) - known
        # Its network is built here, where only its features were needed so far.
        return BUILDING_SECONDS * (more > 0) + others * more / known
    steps = record.step_seconds or record.seconds
    trained = steps * record.epochs_to_best / max(len(record.history), 1)
    return seconds_again(trained, record.seconds - steps, experiment)


def seconds_again(steps: float, others: float, experiment: Experiment) -> float:
    """Seconds that it takes again, on more images.

    Args:
        steps: seconds of its steps.
        others: seconds before them: features, which are kept, and tracing.
        experiment: the run.
    """
    more = _more_images(experiment)
    tracing = min(others, TRACING_SECONDS) if steps else 0.0
    return steps * more + others * (more - 1) + tracing


def _more_images(experiment: Experiment) -> float:
    """How many times as many images there are with those to validate on."""
    return (len(experiment.train) + len(experiment.validation)) / max(len(experiment.train), 1)
