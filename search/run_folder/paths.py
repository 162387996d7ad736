"""Name the files of a run.

results/<run>/
    config.json        the frozen configuration, written before the first trial
    data.json          what the run was given: fingerprint, labels, where the pixels lie
    images.columns     path, format, size and hash of each kept image
    set_aside.json     path and reason of each file that was not kept
    splits.npz         which kept image is for training, validation and test
    known.columns      what tells the images again that an exported model is trained on
    groups.npy         which kept images are copies of one another
    oracle/            KerasTuner's project folder, readable by KerasTuner itself
    families/          code of the user's own families, and what was found in it
    trials/            one record per trial (JSON), and its predictions on validation (npy)
    checkpoints/       training state of trials that may still go on
    finalists.json     how the best configurations compare after being trained again
    repeats/           predictions on validation of the best configurations, trained again
    tensorboard/       one folder per configuration
    learnt.json        what the search has taught, and the results that this rests on
    latencies.json     seconds per image of each architecture, as far as they were measured
    costs.json         what files of each architecture cost, in a run with limits
    lock_box.json      how often the test images were looked at
    export/            what `tune export-best` writes
    update.json        how the images differ from those of the run that is updated
    likeness-*.npz     what `tune predict --check` compares photos with
    report.html        what `tune report` writes
    labels/            what `tune labels` writes
"""

from dataclasses import dataclass
from pathlib import Path

from search.process.printable import shell_word

DEFAULT_RESULTS = Path("results")


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run; creates nothing by itself."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name, as in `--resume NAME`."""
        return self.path.name

    @property
    def argument(self) -> str:
        """What to give as RUN in a command line: its name where that is enough, else its path."""
        usual = self.path.parent.resolve() == DEFAULT_RESULTS.resolve()
        return shell_word(self.name if usual else self.path)

    @property
    def config(self) -> Path:
        """The frozen configuration (JSON)."""
        return self.path / "config.json"

    @property
    def data(self) -> Path:
        """What the run was given to learn from (JSON)."""
        return self.path / "data.json"

    @property
    def images(self) -> Path:
        """Path, format, size and hash of each kept image (`data_pipeline.columns`)."""
        return self.path / "images.columns"

    @property
    def older_images(self) -> Path:
        """What older versions wrote instead of `images` (JSON)."""
        return self.path / "pictures.json"

    @property
    def excluded(self) -> Path:
        """Path, relative to the data's root, and reason of each file that was not kept (JSON)."""
        return self.path / "set_aside.json"

    @property
    def splits(self) -> Path:
        """Row numbers of train, validation and test (npz)."""
        return self.path / "splits.npz"

    @property
    def known(self) -> Path:
        """Hashes and sketches of the images to train and to validate on.

        As `data_pipeline.near_duplicates.known_images` writes them.
        """
        return self.path / "known.columns"

    @property
    def older_known(self) -> Path:
        """What older versions wrote instead of `known` (npz)."""
        return self.path / "known.npz"

    @property
    def targets(self) -> Path:
        """Class number of each prepared image (npy, int32)."""
        return self.path / "targets.npy"

    @property
    def groups(self) -> Path:
        """Group of duplicates of each prepared image (npy, int64)."""
        return self.path / "groups.npy"

    @property
    def label_errors(self) -> Path:
        """Folder of the likeliest label errors."""
        return self.path / "labels"

    @property
    def families(self) -> Path:
        """Folder of the code of the user's own families."""
        return self.path / "families"

    @property
    def trials(self) -> Path:
        """Folder of trial records."""
        return self.path / "trials"

    @property
    def finalists(self) -> Path:
        """How the best configurations compare after being trained again (JSON)."""
        return self.path / "finalists.json"

    @property
    def latencies(self) -> Path:
        """Seconds per image by architecture (JSON)."""
        return self.path / "latencies.json"

    @property
    def costs(self) -> Path:
        """What files of each architecture cost to run (JSON)."""
        return self.path / "costs.json"

    @property
    def update(self) -> Path:
        """How the images differ from those of the run that is updated (JSON)."""
        return self.path / "update.json"

    @property
    def report(self) -> Path:
        """The report, unless it was asked for elsewhere."""
        return self.path / "report.html"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's log folder."""
        return self.path / "tensorboard"

    @property
    def export(self) -> Path:
        """Folder of the exported model."""
        return self.path / "export"

    @property
    def metrics(self) -> Path:
        """All figures of the exported model (JSON)."""
        return self.export / "metrics.json"

    @property
    def insights(self) -> Path:
        """What the search has taught (JSON)."""
        return self.path / "learnt.json"

    @property
    def test_predictions(self) -> Path:
        """What the exported model says of the test images (npy, float32 [n, classes])."""
        return self.export / "test_predictions.npy"

    def own_family(self, name: str) -> Path:
        """Code of one of the user's own families; beside it, in JSON, what was found in it."""
        return self.families / f"{name}.py"

    def checkpoint(self, trial_id: str) -> Path:
        """Training state of a trial (npz)."""
        return self.path / "checkpoints" / f"{trial_id}.npz"

    def repeat(self, configuration: str, epochs: int, number: int) -> Path:
        """Validation probabilities of a configuration's further training (npy, float32)."""
        return self.path / "repeats" / f"{configuration}-{epochs}-{number}.npy"

    def predictions(self, trial_id: str) -> Path:
        """Validation probabilities at the trial's best epoch (npy, float32 [n, classes])."""
        return self.trials / f"{trial_id}.npy"
