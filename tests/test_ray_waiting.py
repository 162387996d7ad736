"""Trials of a cluster that ran out of memory: they go where there is more."""

import queue
import threading
import time
from types import SimpleNamespace

import pytest
from recorded_progress import Recorded
from searching import trial_record

from search.executors.ray.events import Assignment, Ended, Grown, Place
from search.executors.ray.executor import RayExecutor
from search.executors.ray.waiting import WaitingTrials
from search.run_folder.records import COMPLETED, ERROR, FAILED, KILLED, MEMORY, TrialResult
from search.trial.messages import TrialTask

SMALL, LARGE = Place("small", True, 16 << 30), Place("large", True, 80 << 30)
CPU = Place("cpu", False, 1 << 40)


def trial(trial_id="0000", configuration="0000", batch_size=None):
    record = trial_record(trial_id, None, configuration=configuration, batch_size=batch_size)
    return Assignment(TrialTask(record.spec))


@pytest.fixture
def waiting():
    made = WaitingTrials()
    for place in (SMALL, SMALL, LARGE, CPU):
        made.slot_begins(place)
    return made


def test_any_slot_takes_a_trial_in_turn(waiting):
    first, second = trial("0000"), trial("0001", "0001")
    waiting.put(first)
    waiting.put(second)
    assert waiting.take(LARGE, 0) is first
    assert waiting.take(SMALL, 0) is second
    assert waiting.take(SMALL, 0) is None
    assert waiting.take_any() is None


def test_what_ran_out_of_memory_is_for_slots_with_more(waiting):
    other, large = trial("0001", "0001"), trial()
    assert waiting.outgrown(large, SMALL)
    waiting.put(other)
    waiting.put(large)
    later = trial("0002")  # a later rung of the same configuration
    waiting.put(later)
    assert waiting.take(SMALL, 0) is other
    assert waiting.take(SMALL, 0) is None
    assert waiting.take(CPU, 0) is None  # memory of another kind
    assert waiting.take(LARGE, 0) is large
    assert waiting.take(LARGE, 0) is later


def test_what_waits_for_some_slots_is_counted(waiting):
    waiting.put(trial("0001", "0001"))
    assert waiting.particular() == 0
    waiting.outgrown(trial(), SMALL)
    waiting.put(trial())
    assert waiting.particular() == 1
    assert waiting.take(LARGE, 0) is not None
    assert waiting.particular() == 0


def test_a_slot_with_more_takes_those_first_that_need_it(waiting):
    other, large = trial("0001", "0001"), trial()
    waiting.outgrown(large, SMALL)
    waiting.put(other)
    waiting.put(large)
    assert waiting.take(LARGE, 0) is large


def test_half_the_batch_may_go_anywhere_again(waiting):
    waiting.outgrown(trial(), SMALL)
    half = trial(batch_size=8)
    waiting.put(half)
    assert waiting.take(SMALL, 0) is half


def test_without_more_memory_anywhere_nothing_waits_for_it(waiting):
    assert not waiting.outgrown(trial(), LARGE)
    assert not waiting.outgrown(trial("0001", "0001"), CPU)
    assert waiting.outgrown(trial("0002", "0002"), SMALL)
    stranded = trial("0002", "0002")
    waiting.put(stranded)
    assert waiting.take(SMALL, 0) is None
    waiting.slot_ends(LARGE)
    assert waiting.take(SMALL, 0) is stranded


@pytest.mark.parametrize("more", [Place("more", True, 17 << 30), Place("more", True, 0)])
def test_a_little_more_or_nobody_knows_is_not_more(more):
    waiting = WaitingTrials()
    waiting.slot_begins(more)
    assert not waiting.outgrown(trial(), SMALL)
    assert not waiting.outgrown(trial(), Place("unknown", True, 0))


def test_a_slot_that_waits_hears_of_a_trial():
    waiting, taken = WaitingTrials(), []
    waiting.slot_begins(SMALL)
    thread = threading.Thread(target=lambda: taken.append(waiting.take(SMALL, 30.0)))
    thread.start()
    time.sleep(0.05)
    sent = trial()
    waiting.put(sent)
    thread.join(20.0)
    assert taken == [sent]


def test_what_was_killed_goes_to_another_machine_while_there_is_one(waiting):
    waiting.killed(trial(), SMALL)
    again = trial()
    waiting.put(again)
    assert waiting.take(SMALL, 0) is None
    assert waiting.take(CPU, 0) is again
    waiting.killed(again, CPU)
    waiting.killed(again, LARGE)
    waiting.put(again)
    assert waiting.take(SMALL, 0) is again


@pytest.mark.parametrize("killed_first", [False, True])
def test_what_no_slot_suits_goes_where_there_is_more_memory(waiting, killed_first):
    rules = [lambda: waiting.outgrown(trial(), SMALL), lambda: waiting.killed(trial(), LARGE)]
    for rule in reversed(rules) if killed_first else rules:
        rule()
    again = trial()
    waiting.put(again)
    assert waiting.take(SMALL, 0) is None
    assert waiting.take(LARGE, 0) is again


def test_where_the_other_machine_is_gone_the_same_one_is_good_enough(waiting):
    waiting.killed(trial(), SMALL)
    again = trial()
    waiting.put(again)
    for place in (LARGE, CPU):
        waiting.slot_ends(place)
    assert waiting.take(SMALL, 0) is again


@pytest.fixture
def executor(waiting):
    progress = Recorded()
    made = RayExecutor(None, None, cache_dir=None, progress=progress)
    made.desk = SimpleNamespace(waiting=waiting, events=queue.Queue())
    made.nodes = SimpleNamespace(slots=4)
    return made


def ended(executor, place, *, stop=False, **result):
    assignment = trial()
    assignment.stop = stop
    executor._running = {"0000": assignment}
    said = executor._taken(Ended(assignment, TrialResult(**result), place), lambda progress: True)
    executor.counted = executor.slots
    return said, executor.desk.waiting.take(LARGE, 0) is assignment


OUT = {"status": FAILED, "failure": MEMORY}


def test_a_trial_is_tried_again_where_there_is_more(executor):
    assert ended(executor, SMALL, **OUT) == (None, True)
    assert list(executor._running) == ["0000"]
    # The search may begin another one on the slot that is free now.
    assert executor.counted == 5
    assert isinstance(executor.desk.events.get_nowait(), Grown)
    assert executor.slots == 4
    assert "tried again on a machine with more" in executor.progress.text


def test_a_trial_that_was_killed_is_a_result_and_begins_anew_elsewhere(executor):
    result = {"status": FAILED, "failure": KILLED}
    assert ended(executor, SMALL, **result) == (("0000", TrialResult(**result)), False)
    again = trial()
    executor.desk.waiting.put(again)
    assert executor.desk.waiting.take(SMALL, 0) is None
    assert executor.desk.waiting.take(CPU, 0) is again


@pytest.mark.parametrize(
    ("place", "stop", "result"),
    [
        (LARGE, False, OUT),
        (SMALL, True, OUT),
        (SMALL, False, {"status": FAILED, "failure": ERROR}),
        (SMALL, False, {"status": COMPLETED}),
    ],
)
def test_other_results_are_taken(executor, place, stop, result):
    assert ended(executor, place, stop=stop, **result) == (("0000", TrialResult(**result)), False)
    assert executor._running == {}
