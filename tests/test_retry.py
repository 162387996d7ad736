"""What is tried again after a failure, how often, and with what."""

import pytest

from search.run_folder.records import (
    COMPLETED,
    ERROR,
    FAILED,
    HUNG,
    KILLED,
    MEMORY,
    RUNNING,
    TrialRecord,
)
from search.tuning.retry import MAX_KILLS, abandoned, in_full, next_attempt

VALUES = {"batch_size": 32, "learning_rate": 1e-3}


def record(**changes):
    options = {"bracket": 0, "rung": 0, "initial_epoch": 0, "epochs": 1, "status": FAILED}
    names = {"trial_id": "0000", "configuration": "0000"}
    return TrialRecord(**({"values": VALUES} | names | options | changes))


def test_out_of_memory_is_tried_again_with_half_the_batch_until_none_is_left():
    sizes, retry = [], record(failure=MEMORY, reason="OOM")
    while retry := next_attempt(retry.with_outcome(status=FAILED, failure=MEMORY)):
        assert (retry.status, retry.reason) == (RUNNING, "")
        sizes.append(retry.batch_size)
    assert sizes == [16, 8, 4, 2]


@pytest.mark.parametrize("failure", [KILLED, HUNG])
def test_a_trial_that_takes_its_worker_along_is_tried_again_and_then_set_aside(failure):
    retry, tries = record(failure=failure), 1
    while retry := next_attempt(retry.with_outcome(status=FAILED, failure=failure)):
        tries += 1
    assert tries == MAX_KILLS


def test_a_start_that_the_program_outlives_does_not_count():
    for failure in (MEMORY, KILLED, HUNG):
        assert next_attempt(record(failure=failure, attempts=1)).attempts == 0


def test_an_exception_and_a_success_are_final():
    assert next_attempt(record(failure=ERROR)) is None
    assert next_attempt(record(status=COMPLETED)) is None


def test_a_trial_that_was_started_too_often_is_set_aside_at_its_start():
    assert abandoned(record(attempts=2), max_starts=3) is None
    aside = abandoned(record(attempts=3), max_starts=3)
    assert (aside.status, aside.failure) == (FAILED, KILLED)
    assert "3 times" in aside.reason


def test_a_trial_that_is_given_up_says_how_many_workers_it_cost():
    once = record(failure=KILLED, reason="its worker was killed by SIGKILL")
    assert in_full(once) == once
    twice = in_full(once.with_outcome(kills=1))
    assert (twice.kills, twice.reason) == (2, "its worker was killed by SIGKILL (2 times)")
    other = record(failure=ERROR, reason="broken", kills=1)
    assert in_full(other) == other
