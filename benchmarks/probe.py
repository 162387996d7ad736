"""The floor for every data set: a linear probe of each backbone at each image size, in full.

    python benchmarks/probe.py DATA [--unseen DIR] [--sizes 96,160,224] [--race-seeds 5]

On the very splits of a run (seed 0; copies kept together): logistic regression on frozen features
of the images to train on, its accuracy and balanced accuracy on those to validate and to test on,
and on an unseen folder, with the seconds of its features and its solver. Below that, what the
race of backbones would have chosen among the same candidates, over several orders of the images:
the rank correlation of its first rung with the full probes, its regret (accuracy of the best full
probe less that of the winner's), and its seconds against probing all in full. Accuracy there is
cross-validated as in a search, where there are few images to validate on.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from search.process.quiet import import_tensorflow

import_tensorflow()

from models.pretrained.backbones import default_backbones  # noqa: E402
from search.algorithms.racing.plan import race_of  # noqa: E402
from search.algorithms.racing.probed import Probed  # noqa: E402
from search.cli.options.values import Sides  # noqa: E402
from search.evaluation.metrics import prediction_metrics  # noqa: E402
from search.process.progress import Silent  # noqa: E402
from search.run_folder.paths import RunFolder  # noqa: E402
from search.trial.experiment import Experiment  # noqa: E402
from search.trial.keras_setup import prepare_to_train  # noqa: E402
from search.trial.model_cache import ModelCache  # noqa: E402
from search.trial.training import predict_rows  # noqa: E402
from search.tuning.planning.resolve_config import resolve_config  # noqa: E402
from search.tuning.preparation.prepare_data import prepare_data, with_race  # noqa: E402


def quiet(done, total):
    return None


def experiment_of(data, folder, options):
    """Prepare a run of probes without starting it."""
    run, cache = RunFolder(folder / "run"), folder / "cache"
    run.path.mkdir(parents=True, exist_ok=True)
    # Accuracy is what is printed, whatever the classes are like.
    options = {"objective": "val_accuracy"} | options
    config = resolve_config(Path(data), options, Silent(), cache_dir=cache)
    prepare_data(run, config, cache_dir=cache, progress=Silent())
    with_race(run, config).save(run)
    prepare_to_train(config)
    return Experiment.load(run)


class Probe:
    """One candidate: features of all images, and what a probe on some of them reaches."""

    def __init__(self, experiment, values):
        begun = time.monotonic()
        self.training = ModelCache().training(experiment, values, 0, quiet)
        self.experiment = self.training.experiment
        self.features = self.training.feature_cache.plain(self.experiment.train, quiet)
        rows = np.concatenate([self.experiment.validation, self.experiment.test])
        self.training.feature_cache.plain(rows, quiet)
        everything = len(self.experiment.train) + len(rows)
        self.seconds_per_image = (time.monotonic() - begun) / everything

    def fitted(self, images=None, seed=0):
        """Metrics on validation and on test, and the seconds of solver and features."""
        known = replace(self.experiment, config=replace(self.experiment.config, seed=seed))
        part = known.part(images)
        begun = time.monotonic()
        training = replace(self.training, experiment=part, rows=part.train)
        self.model = training.build()
        training.fit(self.model, initial_epoch=0, epochs=1, callbacks=[])
        validated = training.cross_validated()
        solver = time.monotonic() - begun
        seen = len(part.train) + len(part.validation)
        return (
            self.judged(part.validation),
            self.judged(part.test),
            validated,
            solver + seen * self.seconds_per_image,
        )

    def judged(self, rows):
        """Accuracy, mean accuracy of the classes, log loss."""
        targets = self.experiment.targets[rows]
        answers = predict_rows(self.model, self.features, rows)
        right = answers.argmax(axis=1) == targets
        balanced = np.mean([right[targets == label].mean() for label in np.unique(targets)])
        return float(right.mean()), float(balanced), prediction_metrics(answers, targets)["loss"]

    def unseen(self, folder, cache):
        """Accuracy of the probe that was fitted last on the images of another folder."""
        from data_pipeline.preparation.prepare import prepare

        catalog, (pixels,) = prepare(
            folder, image_sizes=[self.experiment.image_size], cache_dir=cache
        )
        compute, images = self.training.feature_cache.compute, pixels.open()
        features = [
            compute(np.asarray(images[np.arange(i, i + 64) % len(images)]))
            for i in range(0, len(images), 64)
        ]
        rows = np.arange(len(images))
        answers = predict_rows(self.model, np.concatenate(features)[: len(images)], rows)
        return float((answers.argmax(axis=1) == catalog.targets).mean())


def ranks(values):
    return np.argsort(np.argsort(values))


def raced(probes, race, full, seed):
    """Rank correlation of the first rung, regret and seconds of one race."""
    entries, first, seconds, seen = [], [], 0.0, {}
    while not (following := race.next(entries)).over:
        values, rung = following.values, race.rungs[following.rung]
        name = str(values)
        validation, _, validated, cost = probes[name].fitted(rung.images, seed)
        accuracy = validation[0] if validated is None else validated
        seconds += cost - seen.get(name, 0.0)
        count = rung.images or 10**9
        experiment = probes[name].experiment
        known = min(count, len(experiment.train)) + min(count, len(experiment.validation))
        seen[name] = known * probes[name].seconds_per_image
        score = (accuracy, -validation[2])
        entries.append(Probed(str(len(entries)), values, following.rung, score, ended=True))
        if following.rung == 0:
            first.append((accuracy, full[name][0]))
    best = max(accuracy for accuracy, _ in full.values())
    winner = str(race.ranking(entries)[0])
    mine, its = np.transpose(first)
    return np.corrcoef(ranks(mine), ranks(its))[0, 1], best - full[winner][0], seconds, winner


@click.command()
@click.argument("data", type=click.Path(exists=True))
@click.option("--unseen", type=click.Path(exists=True, path_type=Path))
@click.option("--sizes", type=Sides(), default="96,160,224", show_default=True)
@click.option("--weights", type=click.Path(exists=True))
@click.option("--race-seeds", default=5, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to keep; else a temporary one."
)
def main(data, unseen, sizes, weights, race_seeds, out):
    with tempfile.TemporaryDirectory() as temporary:
        folder = out or Path(temporary)
        options = {"families": ("probe",), "backbone_sizes": sizes, "weights": weights}
        options["backbones"] = default_backbones(light=True)
        experiment = experiment_of(data, folder, options)
        race, probes, full = race_of(experiment.config), {}, {}
        print(f"{data}: {len(experiment.train)} to train on", flush=True)
        for values in race.candidates:
            probe = probes[str(values)] = Probe(experiment, values)
            validation, test, validated, seconds = probe.fitted()
            full[str(values)] = validation[0] if validated is None else validated, seconds
            line = (
                f"{values['probe/backbone']:>16} {values['probe/image_size']} px {seconds:6.1f} s"
            )
            line += f"  validation {validation[0]:.4f}"
            line += "" if validated is None else f" (cross-validated {validated:.4f})"
            line += f"  test {test[0]:.4f} ({test[1]:.4f} balanced)"
            if unseen:
                line += f"  unseen {probe.unseen(unseen, folder / 'cache'):.4f}"
            print(line, flush=True)
        outcomes = [raced(probes, race, full, seed) for seed in range(1, race_seeds + 1)]
        whole = sum(seconds for *_, seconds in full.values())
        if outcomes:
            correlation, regret, seconds = (
                np.array(x, float) for x in zip(*(o[:3] for o in outcomes), strict=True)
            )
            images = ", ".join(map(str, experiment.config.race_images))
            print(
                f"race on {images} and all images: rank correlation of the first "
                f"rung {correlation.mean():.2f}, regret {100 * regret.mean():.2f} points "
                f"(at most {100 * regret.max():.2f}), {seconds.mean():.1f} s against {whole:.1f} s "
                f"({seconds.mean() / whole:.2f})"
            )


if __name__ == "__main__":
    main()
