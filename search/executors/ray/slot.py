"""Run trials on one slot of a node: the driver's side, a thread per slot."""

import threading
import time
from typing import Any, Protocol

from search.errors import DataGoneError, TuneError
from search.executors.ray.desk import PAUSE_SECONDS, Desk, DeskThread
from search.executors.ray.events import Assignment, Ended, Lost, LostError, Place, Told
from search.executors.ray.files.pieces import PieceError
from search.executors.ray.slot_plan import DATA, DISK, PHOTO, News, Trouble
from search.run_folder.images import Images
from search.run_folder.records import FAILED, HUNG, KILLED, TrialResult

PING_SECONDS = 3.0
START_SECONDS = 180.0  # a worker may take this long to begin, as on one machine


class NodeTroubleError(Exception):
    """The node cannot run trials as it is; why, in words, or "" where a new beginning helps."""


class OfNode(Protocol):
    """What a slot asks of the node that it is on (`search.executors.ray.node.Node`).

    Attributes:
        label: its name.
        gone: set when it cannot be used any more.
        place: of each of its slots.
        is_here: whether it is on the driver's machine.
    """

    label: str
    gone: threading.Event
    place: Place
    is_here: bool

    def answers(self) -> bool:
        """Tell whether the node is there."""

    def give_up(self, error: Exception) -> None:
        """Take no further trials."""


class Slot(DeskThread):
    """Takes trials until the node is gone or the search ends.

    Args:
        desk: where trials wait.
        node: that it is on.
        actor: the `SlotActor` there.
    """

    def __init__(self, desk: Desk, node: OfNode, actor: Any) -> None:
        super().__init__(desk, f"slot of {node.label}")
        self.node, self.actor = node, actor
        self.begun = False  # whether the actor has the trial

    def work(self) -> None:
        """Take one trial after another."""
        self.desk.waiting.slot_begins(self.node.place)
        try:
            self._take_trials()
        finally:
            self.desk.waiting.slot_ends(self.node.place)

    def _take_trials(self) -> None:
        while not (self.desk.closing.is_set() or self.node.gone.is_set()):
            assignment = self.desk.waiting.take(self.node.place, PAUSE_SECONDS)
            if assignment is not None and not self._run(assignment):
                return

    def _run(self, assignment: Assignment) -> bool:
        """Run a trial; whether another may follow."""
        ray_errors, events = self.desk.ray.exceptions, self.desk.events
        self.begun = False
        try:
            events.put(Ended(assignment, self._trained(assignment), self.node.place))
        except (LostError, PieceError, ray_errors.RayTaskError, NodeTroubleError) as error:
            # An actor's own exception is of its disk: what is wrong with the trial is a result.
            return self._lost(assignment, error)
        except ray_errors.RayError as error:
            if not self.node.answers():
                return self._lost(assignment, error)
            killed = self._killed(error)
            self._wait_for_actor()
            # An actor that was gone before it had the trial was not killed by it, nor was one whose
            # node is shut down, process by process.
            alone = self.begun and not self.node.gone.is_set()
            ended = Ended(assignment, killed, self.node.place)
            events.put(ended if alone else Lost(assignment))
        except (OSError, TuneError) as error:  # of the driver's disk, or of the data
            events.put(error)
            return False
        return True

    def _lost(self, assignment: Assignment, error: Exception) -> bool:
        self.node.give_up(error)
        self.desk.events.put(Lost(assignment))
        return False

    def _trained(self, assignment: Assignment) -> TrialResult:
        spec, run = assignment.task.spec, self.desk.settings.run
        for trial_id in (spec.parent, spec.trial_id):
            state = run.checkpoint(trial_id) if trial_id else None
            if state is not None and state.exists():
                place = state.relative_to(run.path).as_posix()
                self.desk.transfer.send(state, self.actor, place)
        self._answer(self.actor.start.remote(assignment.task))
        self.begun = True
        while True:
            news: News = self._answer(self.actor.news.remote(assignment.stop))
            for progress in news.progress:
                self.desk.events.put(Told(progress))
            if news.trouble:
                self._raise(news.trouble)
            self._fetch(news, assignment)
            if news.result:
                return news.result

    def _answer(self, reference: Any) -> Any:
        seconds = max(self.desk.settings.silence, START_SECONDS)
        return self.desk.answer(reference, self.node.gone, seconds)

    def _fetch(self, news: News, assignment: Assignment) -> None:
        run = self.desk.settings.run
        state = run.checkpoint(assignment.trial_id)
        for place, manifest in news.files:
            self.desk.transfer.fetch(self.actor, place, manifest, run.path / place)
            if run.path / place == state:
                assignment.lost = 0

    def _raise(self, trouble: Trouble) -> None:
        """Give up the node where it lacks something; end the search where all lack it."""
        if trouble.kind == DISK:
            raise NodeTroubleError(trouble.words)
        if trouble.kind == PHOTO and Images.load(self.desk.settings.run).has(trouble.path):
            raise NodeTroubleError(trouble.words)  # here it is as it was
        if trouble.kind == DATA and not self.node.is_here:
            raise NodeTroubleError  # its copy is gone; it is sent again
        gone = trouble.kind in (DATA, PHOTO)
        raise DataGoneError(trouble.words) if gone else TuneError(trouble.words)

    def _wait_for_actor(self) -> None:
        """Ray begins it anew; the trial that it lost is not what the node is given up for."""
        end = time.monotonic() + START_SECONDS
        while not (self.node.gone.is_set() or self.desk.closing.is_set()):
            try:
                self.desk.ray.get(self.actor.ping.remote(), timeout=PING_SECONDS)
            except self.desk.ray.exceptions.RayError as error:
                if time.monotonic() > end:
                    self.node.give_up(error)
                self.node.gone.wait(PAUSE_SECONDS)
            else:
                return

    def _killed(self, error: Exception) -> TrialResult:
        """What came of a trial whose actor ended or said nothing, while its node is there."""
        ray = self.desk.ray
        hung = isinstance(error, ray.exceptions.GetTimeoutError)
        if not isinstance(error, ray.exceptions.ActorDiedError):
            # It may be alive and still train, as where the connection broke.
            ray.kill(self.actor, no_restart=False)
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = "its actor said nothing" if hung else f"its actor ended ({why})"
        failure = HUNG if hung else KILLED
        return TrialResult(status=FAILED, failure=failure, reason=f"{reason} on {self.node.label}")
