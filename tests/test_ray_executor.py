"""Trials on a Ray cluster: three raylets on this machine, each with a folder of its own."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

ray = pytest.importorskip("ray", reason="the extra image-tune[ray] is not installed")

import keras_tuner  # noqa: E402
from cluster_workers import apart_work  # noqa: E402
from drawing import draw_folder  # noqa: E402
from fake_workers import fake_work  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402
from searching import run_config, trial_record  # noqa: E402
from small_trials import experiment_in  # noqa: E402
from stopping import NEVER, StopWhen  # noqa: E402

from data_pipeline.processes.cores import cores  # noqa: E402
from models.known_good import baseline_values  # noqa: E402
from search.algorithms.registry import make_oracle  # noqa: E402
from search.errors import TuneError  # noqa: E402
from search.executors.ray.address import parse_cluster  # noqa: E402
from search.executors.ray.executor import RayExecutor  # noqa: E402
from search.executors.ray.slot_plan import Settings  # noqa: E402
from search.executors.worker_pool import WorkerLimits, Workers  # noqa: E402
from search.process.progress import Silent  # noqa: E402
from search.run_folder.images_disk import ImagesDisk  # noqa: E402
from search.run_folder.paths import RunFolder  # noqa: E402
from search.run_folder.record_files import load_records  # noqa: E402
from search.run_folder.records import COMPLETED, FAILED, KILLED  # noqa: E402
from search.trial.experiment import Experiment  # noqa: E402
from search.trial.messages import TrialTask  # noqa: E402
from search.tuning.loop import Search  # noqa: E402
from search.tuning.preparation.prepare_data import prepare_data  # noqa: E402

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
OF_ATTEMPTS = {"seconds", "step_seconds", "begun", "ended", "attempts", "resumed_at"}


class Machines:
    """The raylets of a cluster. Each has a core's share of this machine, and a cache of its own."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        self.nodes = []

    def join(self):
        """One more, which is told of its own folder alone."""
        self.count += 1
        own = self.folder / f"machine{self.count}"
        variables = {"TUNE_NODE_CACHE": str(own), "TUNE_SHARED_DISK": "0"}
        node = self.cluster.add_node(num_cpus=max(1, cores() // 2), env_vars=variables)
        self.nodes.append((node, own))

    def kill_that_of(self, trial_id):
        """The one that runs a trial, without a word to anybody."""
        (machine,) = [each for each in self.nodes if has_checkpoint(each[1], trial_id)]
        self.nodes.remove(machine)
        self.cluster.remove_node(machine[0], allow_graceful=False)


def has_checkpoint(own, trial_id):
    return any(own.glob(f"nodes/*/runs/*/*/*/checkpoints/{trial_id}.npz"))


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """A head that runs nothing, and two machines."""
    with pytest.MonkeyPatch.context() as patched:
        paths = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}"
        patched.setenv("PYTHONPATH", paths)  # of the raylets, and so of the actors
        machines = Machines(tmp_path_factory.mktemp("machines"))
        patched.setenv("RAY_ADDRESS", machines.cluster.address)
        machines.join()
        machines.join()
        yield machines
        machines.cluster.shutdown()


@contextmanager
def on(run, cache_dir, target):
    settings = Settings(
        run=run,
        name=f"test-{time.monotonic_ns()}",
        per_node=None,
        per_gpu=1,
        ours=False,
        silence=120.0,
        memory_share=0.8,
        target=target,
    )
    with RayExecutor(
        parse_cluster("auto"), settings, cache_dir=cache_dir, progress=Silent()
    ) as executor:
        yield executor


def prepared(folder):
    folder.mkdir()
    return experiment_in(folder, algo="random", max_trials=3, max_epochs=5)


def search(experiment, executor, *, observers=(), stop=NEVER):
    """A whole search, without a display; whether it came to its end."""
    space = keras_tuner.HyperParameters()
    experiment.classifier.declare_search(space)
    oracle = make_oracle(
        experiment.config,
        space,
        baselines=baseline_values(experiment.classifier),
        directory=experiment.run.path,
    )
    return Search(
        experiment.run,
        oracle,
        executor,
        observers=list(observers),
        max_epochs=experiment.config.max_epochs,
        stop=stop,
    ).to_the_end()


def table(experiment):
    """All that is known of the trials, but times and how often they were begun; predictions too."""
    rows = {}
    for record in load_records(experiment.run):
        assert record.status == COMPLETED, record
        known = {name: value for name, value in vars(record).items() if name not in OF_ATTEMPTS}
        rows[record.trial_id] = known, experiment.run.predictions(record.trial_id).read_bytes()
    assert len(rows) == 3
    return rows


@pytest.fixture(scope="module")
def by_workers(tmp_path_factory):
    """The table of the same search with workers of its own."""
    experiment = prepared(tmp_path_factory.mktemp("own") / "own")
    with Workers(experiment.run, devices=[None, None], limits=WorkerLimits()) as workers:
        assert search(experiment, workers)
    return table(experiment)


class AtEpoch:
    """An observer that does something once, when a trial has done so many epochs."""

    def __init__(self, epochs, do):
        self.epochs, self.do, self.done, self.seen = epochs, do, None, []

    def trial_started(self, record):
        pass

    def trial_finished(self, record):
        pass

    def progress(self, progress):
        if progress.logs:
            self.seen.append((progress.trial_id, progress.epoch))
        if progress.logs and progress.epoch + 1 >= self.epochs and self.done is None:
            self.done = progress.trial_id
            self.do(progress.trial_id)


def test_a_machine_is_killed_and_another_joins_and_the_table_is_that_of_own_workers(
    machines, by_workers, tmp_path
):
    experiment = prepared(tmp_path / "ray")

    def replace(trial_id):
        machines.kill_that_of(trial_id)
        machines.join()

    watch = AtEpoch(3, replace)
    with on(experiment.run, tmp_path, apart_work) as executor:
        assert search(experiment, executor, observers=[watch])
    assert table(experiment) == by_workers
    epochs = [epoch for trial_id, epoch in watch.seen if trial_id == watch.done]
    again = [epoch for before, epoch in pairwise(epochs) if epoch <= before]
    assert all(0 < epoch <= 3 for epoch in again), "it went on from its last checkpoint"
    assert [record.kills for record in load_records(experiment.run)] == [0] * 3
    for _, own in machines.nodes:
        (copy,) = own.glob("nodes/*/prepared/pixels.npy")
        assert copy.read_bytes() == (tmp_path / "ray" / "pixels.npy").read_bytes()
        assert not list(own.glob("nodes/*/runs/*")), "what a search needs alone is deleted"


def test_a_search_that_was_stopped_goes_on_on_the_cluster(machines, by_workers, tmp_path):
    experiment = prepared(tmp_path / "ray")
    stopping = threading.Event()
    watch = AtEpoch(2, lambda trial_id: stopping.set())
    with on(experiment.run, tmp_path, apart_work) as executor:
        stop = StopWhen(stopping.is_set)
        assert not search(experiment, executor, observers=[watch], stop=stop)
        # What has come back of them depends on how soon they could stop.
        assert not all(record.finished for record in load_records(experiment.run))
        assert search(experiment, executor)
    assert table(experiment) == by_workers


def partly_prepared(folder):
    """The same kind of search over photos, of which a third are prepared."""
    run, photos = RunFolder(folder / "run"), folder / "photos"
    draw_folder(photos, {"cat": 12, "dog": 12})
    config = run_config(data=str(photos), algo="random", max_trials=3, max_epochs=3)
    disk = ImagesDisk(10 * 16 * 16 * 3)
    prepare_data(run, config, cache_dir=folder / "cache", disk=disk, progress=Silent())
    config.save(run)
    experiment = Experiment.load(run)
    assert experiment.prepared() == {(16, 16): 8}
    return experiment


def test_machines_that_see_the_photos_decode_those_that_are_not_prepared(machines, tmp_path):
    own = partly_prepared(tmp_path / "own")
    with Workers(own.run, devices=[None, None], limits=WorkerLimits()) as workers:
        assert search(own, workers)
    experiment = partly_prepared(tmp_path / "ray")
    with on(experiment.run, tmp_path, apart_work) as executor:
        assert search(experiment, executor)
    assert table(experiment) == table(own)
    name = f"{experiment.files[16, 16].stem}.*.images.columns"
    for _, folder in machines.nodes:
        images = next(folder.glob(f"nodes/*/prepared/{name}"))
        assert images.read_bytes() == experiment.run.images.read_bytes()


def test_machines_that_do_not_see_the_photos_are_not_used_and_the_search_says_so(
    machines, tmp_path
):
    experiment = partly_prepared(tmp_path / "ray")
    (tmp_path / "ray" / "photos").rename(tmp_path / "elsewhere")
    with (
        on(experiment.run, tmp_path, apart_work) as executor,
        pytest.raises(TuneError, match=r"no machine .*can run trials[^$]*does not see .*photos"),
    ):
        search(experiment, executor)


@pytest.fixture(scope="module")
def made_up(machines, tmp_path_factory):
    """An executor whose trials do what they are told, without TensorFlow."""
    folder = tmp_path_factory.mktemp("made-up")
    experiment = prepared(folder / "run")
    with on(experiment.run, folder, fake_work) as executor:
        yield executor


def run(executor, do, report=lambda progress: True):
    values = {"do": do, "batch_size": 8}
    executor.start(TrialTask(trial_record("0000", None, values=values, epochs=1).spec))
    while (ended := executor.wait(report, NEVER)) is None:
        pass
    trial_id, result = ended
    assert trial_id == "0000"
    return result


@pytest.mark.parametrize(("do", "said"), [("die", "SIGKILL"), ("exit", "exit status 3")])
def test_a_trial_that_kills_its_worker_has_failed_and_the_next_one_runs(made_up, do, said):
    failed = run(made_up, do)
    assert (failed.status, failed.failure) == (FAILED, KILLED)
    assert said in failed.reason
    assert run(made_up, "well").status == COMPLETED


def test_an_actor_that_dies_is_begun_anew_and_its_trial_has_failed(made_up):
    workers = set()
    while len(workers) < 2:  # each machine has one
        workers.add(int(run(made_up, "well").reason))
    alive = {int(Path(f"/proc/{worker}/stat").read_text().split()[3]) for worker in workers}

    def kill(progress):
        while alive:
            os.kill(alive.pop(), signal.SIGKILL)
        return True

    failed = run(made_up, "long", report=kill)
    assert (failed.status, failed.failure) == (FAILED, KILLED)
    assert "its actor ended" in failed.reason
    assert [run(made_up, "well").status for _ in range(4)] == [COMPLETED] * 4


def test_machines_whose_disks_are_full_are_not_used_and_the_search_says_so(made_up):
    with pytest.raises(TuneError, match=r"no machine .*can run trials[^$]*No space left"):
        run(made_up, "full disk")
