"""Waiting for a state, where a fixed time would be too short on a busy machine."""

import time


def wait_until(condition, seconds=20):
    """Return as soon as `condition()` holds; fail where it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to this"
        time.sleep(0.01)
