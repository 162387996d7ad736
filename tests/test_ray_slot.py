"""One slot of a machine: what it runs, and what became of a trial that its actor lost."""

import pickle
import queue
import threading
from types import SimpleNamespace

import pytest
from fake_workers import fake_work
from searching import trial_record

from search.errors import DataGoneError, PhotoGoneError, TuneError
from search.executors.ray import slot as slot_module
from search.executors.ray.events import Assignment, Ended, Lost, Place
from search.executors.ray.slot import NodeTroubleError, Slot
from search.executors.ray.slot_actor import SlotActor, _trouble
from search.executors.ray.slot_plan import DATA, DISK, OTHER, PHOTO, SlotPlan, Trouble
from search.run_folder.records import COMPLETED, HUNG, KILLED
from search.trial.messages import TrialTask


def task(do, trial_id):
    values = {"do": do, "batch_size": 8}
    return TrialTask(trial_record(trial_id, None, values=values, epochs=1).spec)


@pytest.fixture
def actor(tmp_path):
    plan = SlotPlan(
        run="search/node",
        number=0,
        slots=1,
        cpus=None,
        gpu=False,
        silence=60.0,
        memory_share=0.8,
        environment={},
        target=fake_work,
    )
    made = SlotActor(plan, tmp_path)
    yield made
    made.end()


def news_to_the_end(actor):
    steps = []
    while True:
        news = actor.news(False)
        steps += [progress.trial_id for progress in news.progress]
        if news.result:
            return news.result, steps


def test_a_trial_that_the_driver_gave_up_leaves_no_result_under_the_next_one(actor):
    """As where the connection broke, and the actor lives: it still trains the first."""
    actor.start(task("well", "0000"))
    first, _ = news_to_the_end(actor)
    actor.start(task("long", "0001"))
    actor.start(task("well", "0002"))
    result, of = news_to_the_end(actor)
    assert result.status == COMPLETED
    assert set(of) == {"0002"}
    assert result.reason != first.reason, "in another process"


class DiedError(RuntimeError):
    pass


class SilentError(RuntimeError):
    pass


@pytest.fixture
def slot(monkeypatch):
    """A slot whose trial ends in an error of Ray; what it tells, and which actors it kills."""

    def lose(error, *, begun=True, gone=False):
        killed, events = [], queue.Queue()
        names = SimpleNamespace(
            RayError=RuntimeError,
            RayTaskError=KeyError,
            ActorDiedError=DiedError,
            GetTimeoutError=SilentError,
        )
        ray = SimpleNamespace(exceptions=names, kill=lambda actor, no_restart: killed.append(actor))
        node = SimpleNamespace(label="box", gone=threading.Event(), answers=lambda: True)
        node.place = Place()
        made = Slot(SimpleNamespace(ray=ray, events=events), node, "actor")

        def trained(assignment):
            made.begun = begun
            raise error

        monkeypatch.setattr(made, "_trained", trained)
        # While it is waited for, the rest of its machine is shut down too.
        monkeypatch.setattr(made, "_wait_for_actor", lambda: gone and node.gone.set())
        assert made._run(Assignment(task("well", "0000")))
        return events.get_nowait(), killed

    return lose


def test_an_actor_that_may_live_is_ended_before_it_gets_another_trial(slot):
    told, killed = slot(RuntimeError("the connection broke"))
    assert (told.result.failure, killed) == (KILLED, ["actor"])
    told, killed = slot(SilentError("no answer"))
    assert (told.result.failure, killed) == (HUNG, ["actor"])
    told, killed = slot(DiedError("killed"))
    assert (told.result.failure, killed) == (KILLED, [])


@pytest.mark.parametrize(
    ("options", "kind"), [({}, Ended), ({"begun": False}, Lost), ({"gone": True}, Lost)]
)
def test_only_what_ended_alone_counts_against_its_trial(options, kind, slot):
    told, _ = slot(DiedError("killed"), **options)
    assert type(told) is kind


@pytest.mark.parametrize(
    ("kind", "here", "as_it_was", "raised"),
    [
        (DISK, True, True, NodeTroubleError),
        (DATA, False, True, NodeTroubleError),
        (DATA, True, True, DataGoneError),
        (PHOTO, False, True, NodeTroubleError),
        (PHOTO, False, False, DataGoneError),
        (PHOTO, True, False, DataGoneError),
        (OTHER, False, True, TuneError),
    ],
)
def test_what_one_machine_lacks_gives_it_up_and_what_all_lack_ends_the_search(
    kind, here, as_it_was, raised, monkeypatch
):
    """Of a photo the driver looks at its own file."""
    images = SimpleNamespace(has=lambda path: {"/photos/1.jpg": as_it_was}[path])
    monkeypatch.setattr(slot_module, "Images", SimpleNamespace(load=lambda run: images))
    node = SimpleNamespace(label="box", is_here=here)
    desk = SimpleNamespace(settings=SimpleNamespace(run="run"))
    with pytest.raises(raised) as caught:
        Slot(desk, node, "actor")._raise(Trouble(kind, "no such file", "/photos/1.jpg"))
    assert caught.type is raised
    # Prepared images are sent again; a photo that it does not see is a reason to leave it out.
    assert str(caught.value) == ("" if kind == DATA and not here else "no such file")


def test_a_photo_that_is_gone_is_told_from_prepared_images_that_are():
    gone = PhotoGoneError("gone")
    gone.path = "/photos/1.jpg"
    assert _trouble(pickle.loads(pickle.dumps(gone))) == Trouble(PHOTO, "gone", "/photos/1.jpg")
    assert _trouble(DataGoneError("gone")) == Trouble(DATA, "gone")
