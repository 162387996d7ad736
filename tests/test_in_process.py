"""What goes wrong in a trial becomes its result; what goes wrong with the disk ends the search."""

import errno

import pytest
import tensorflow as tf
from small_trials import fresh, go_on
from stopping import NEVER

from data_pipeline.errors import DataError
from search.errors import DataGoneError
from search.executors.in_process import InProcess
from search.run_folder.records import COMPLETED, ERROR, FAILED, MEMORY, TrialResult
from search.trial.messages import TrialTask

TRACED = 'in user code:\n\n    File "keras/trainer.py", line 3, in step\n        call()\n\n    '


@pytest.fixture
def raising(monkeypatch):
    """Trials that raise this, whatever they are given."""

    def with_error(error):
        def run_trial(*anything, **more):
            raise error

        monkeypatch.setattr("search.trial.run_trial.run_trial", run_trial)

    return with_error


def ended(executor):
    """The id and the result of a trial that the executor ran."""
    executor.start(TrialTask(fresh().spec))
    return executor.wait(go_on, NEVER)


@pytest.mark.parametrize(
    ("error", "failure", "reason"),
    [
        (MemoryError(), MEMORY, "MemoryError"),
        (tf.errors.ResourceExhaustedError(None, None, "OOM\nwhere"), MEMORY, "OOM"),
        (ValueError("bad shape\nand more"), ERROR, "ValueError: bad shape"),
        (OSError(errno.ENOENT, "no such file"), ERROR, "no such file"),
        (RuntimeError(TRACED + "MemoryError: Unable to allocate"), MEMORY, "MemoryError: Unable"),
        (RuntimeError(TRACED + "ResourceExhaustedError: {{node a}} OOM"), MEMORY, "OOM"),
        (RuntimeError(TRACED + "ValueError: bad shape\n\n"), ERROR, "ValueError: bad shape"),
        (ValueError("no MemoryError: a name"), ERROR, "ValueError: no MemoryError"),
    ],
)
def test_an_exception_is_a_failed_trial_with_its_kind_and_one_line(
    scratch, raising, error, failure, reason
):
    raising(error)
    _, result = ended(InProcess(scratch))
    assert (result.status, result.failure) == (FAILED, failure)
    assert reason in result.reason
    assert "\n" not in result.reason


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_full_or_failing_disk_is_not_the_fault_of_a_trial(scratch, raising, number):
    raising(OSError(number, "the disk"))
    way_on = scratch.run.argument
    with pytest.raises(OSError, match=f"the disk; .*'tune run --resume {way_on}'") as caught:
        ended(InProcess(scratch))
    assert caught.value.errno == number
    assert caught.value.filename == str(scratch.run.path)


def test_images_that_are_gone_are_not_the_fault_of_a_trial(scratch, raising):
    raising(DataGoneError("gone"))
    with pytest.raises(DataGoneError, match="gone"):
        ended(InProcess(scratch))


def test_a_file_that_is_gone_and_was_not_prepared_is_not_the_fault_of_a_trial(scratch, raising):
    raising(DataError("a.jpg: unreadable"))
    with pytest.raises(DataGoneError, match=r"a\.jpg: unreadable; put it back"):
        ended(InProcess(scratch))


@pytest.mark.parametrize("error", [ValueError("broken"), OSError(errno.ENOSPC, "full")])
def test_after_a_failure_no_compiled_model_is_used_again(scratch, raising, error):
    executor = InProcess(scratch)
    executor.models.models["of before"] = "a model in an unknown state"
    raising(error)
    try:
        ended(executor)
    except OSError:
        assert isinstance(error, OSError)
    assert not executor.models.models


def test_ctrl_c_is_no_failure_of_a_trial(scratch, raising):
    raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ended(InProcess(scratch))


def test_what_a_trial_comes_to_is_handed_back(scratch, monkeypatch):
    done = TrialResult(status=COMPLETED, score=0.75)
    monkeypatch.setattr("search.trial.run_trial.run_trial", lambda *anything, **more: done)
    assert ended(InProcess(scratch)) == ("0000", done)


def test_a_trial_that_was_not_begun_cannot_be_waited_for(scratch):
    with pytest.raises(RuntimeError, match="before start"):
        InProcess(scratch).wait(go_on, NEVER)
