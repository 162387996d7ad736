"""A worker that nobody waits for ends without a word."""

import multiprocessing
import sys

import pytest

from data_pipeline.processes.orphans import ignore_orphans


@pytest.fixture
def said(monkeypatch):
    """What the hook of before was given."""
    found = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: found.append(error))
    ignore_orphans()
    return found


def raised(function):
    try:
        function()
    except (OSError, ArithmeticError):
        return sys.exc_info()
    raise AssertionError("nothing was raised")


def test_a_lock_that_is_gone_is_not_spoken_of(said):
    lock = multiprocessing.get_context("forkserver").Lock()
    kind, value, limit, _ = 0, lock._semlock.kind, lock._semlock.maxvalue, None
    state = (kind, value, limit, "/mp-gone")
    sys.excepthook(*raised(lambda: lock.__setstate__(state)))
    assert said == []


def test_every_other_error_is(said):
    def missing():
        raise FileNotFoundError(2, "No such file", "photo.jpg")

    sys.excepthook(*raised(missing))
    sys.excepthook(*raised(lambda: 1 / 0))
    assert [type(error) for error in said] == [FileNotFoundError, ZeroDivisionError]
