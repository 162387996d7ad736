"""Fixtures that several test modules share."""

import sys
from pathlib import Path

import pytest

# Worker processes import what tests hand them by name; pytest alone would not let them.
sys.path.insert(0, str(Path(__file__).parent / "support"))

from browser import browser  # noqa: E402, F401
from drawing import draw_folder  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory):
    """The user's data folder, which a test must not write to."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
        yield


@pytest.fixture
def photos(tmp_path):
    """A folder of two classes, four different images each."""
    return draw_folder(tmp_path / "photos", {"cat": 4, "dog": 4})


@pytest.fixture
def cache_dir(tmp_path):
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The built-in sample data, small, checked and prepared at 32×32: (catalog, pixels)."""
    from data_pipeline.preparation.prepare import prepare
    from data_pipeline.sample import draw_sample

    folder = tmp_path_factory.mktemp("sample")
    draw_sample(folder / "pictures", images_per_class=12)
    catalog, (pixels,) = prepare(
        folder / "pictures", image_sizes=[(32, 32)], cache_dir=folder / "cache"
    )
    return catalog, pixels


@pytest.fixture(scope="session")
def shared():
    """The real photos that lie beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real photos: {folder} is absent")
    return folder


@pytest.fixture(scope="module")
def one_number_for_one_sum():
    """Sums in a fixed order: without it two equal trainings differ in the last digits."""
    import tensorflow as tf
    from tensorflow.python.framework import config as tf_config

    tf.config.experimental.enable_op_determinism()
    yield
    tf_config.disable_op_determinism()


@pytest.fixture(scope="session")
def scratch(tmp_path_factory):
    """A run folder of the families without pretrained weights, loaded."""
    from small_trials import experiment_in

    return experiment_in(tmp_path_factory.mktemp("scratch"), families=("cnn", "xception"))


@pytest.fixture(scope="session")
def transfer(tmp_path_factory):
    """A run folder of the family transfer, loaded."""
    from small_trials import transfer_experiment

    return transfer_experiment(tmp_path_factory.mktemp("transfer"))


@pytest.fixture
def in_process(monkeypatch):
    """Check files here instead of in workers, and record which."""
    from data_pipeline.preparation import prepare as module

    checked = []

    def run_here(function, tasks, *, workers=None):
        for task in tasks:
            checked.append(task.file.path)
            yield task, function(task)

    monkeypatch.setattr(module, "run_in_workers", run_here)
    return checked
