"""Run folders whose search is over, without the search: records with made-up scores."""

import numpy as np
from searching import epoch_logs, trial_record
from small_trials import elsewhere, values_for

from search.formats.latency import latency
from search.formats.measuring import Measured, size_of
from search.formats.registry import FORMATS
from search.process.atomic_files import write_array
from search.run_folder.config import baseline_count


def finished_run(experiment, folder, scores, *, epochs=2):
    """The experiment in a run folder of its own, with a finished trial for each of `scores`.

    Args:
        scores: (kind of `small_trials.SMALL`, share of the validation images that is right).
        epochs: of each, the last one the best.
    """
    run = elsewhere(experiment, folder)
    _copy_data(experiment, run)
    for number, (kind, score) in enumerate(scores):
        name = f"{number:04d}"
        trial_record(
            name,
            score,
            values=values_for(experiment, kind),
            epochs=epochs,
            history=[epoch_logs(epoch, score * (epoch + 1) / epochs) for epoch in range(epochs)],
            best_epoch=epochs - 1,
            seconds=1.0,
            baseline=number < baseline_count(experiment.config),
        ).save(run.run)
        write_array(run.run.predictions(name), made_up(run, score))
    return run


def _copy_data(experiment, run):
    run.run.path.mkdir(parents=True, exist_ok=True)
    for path in experiment.run.path.iterdir():
        if path.suffix in (".json", ".npy", ".npz"):
            (run.run.path / path.name).write_bytes(path.read_bytes())


def made_up(experiment, score):
    """Probabilities of the validation images, of which the share `score` is right."""
    targets = experiment.targets[experiment.validation]
    right = np.arange(len(targets)) < round(score * len(targets))
    answers = np.where(right, targets, 1 - targets)
    return (0.1 + 0.8 * np.eye(2)[answers]).astype(np.float32)


def in_this_process(name, path, images):
    """What `measure_file` finds in a process of its own, without its start."""
    call = FORMATS[name].open(path)
    timed = latency(call, images[0], repeats=3)
    return Measured(call(images), timed, 1000, size_of(path), 0.5)
