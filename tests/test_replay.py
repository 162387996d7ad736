"""The benchmarks that replay recorded curves, on a few seconds of them: they follow the oracles."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import replay  # noqa: E402
import virtual_workers  # noqa: E402


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)


def test_a_search_is_answered_from_recorded_curves():
    configurations, at_the_end, on_average = replay.replayed(("random", 1, 0))
    assert configurations >= 17
    assert 0 <= at_the_end <= on_average < 0.5
    assert replay.replayed(("random", 1, 0)) == (configurations, at_the_end, on_average)


@pytest.mark.parametrize("algorithm", virtual_workers.ALGORITHMS)
def test_many_workers_that_fail_bring_a_search_to_its_end(algorithm):
    job = (algorithm, "random", 8, 0, 0.0, True)
    found = virtual_workers.simulated(job)
    assert found["trials"] >= virtual_workers.CONFIGURATIONS
    assert found["seconds"] > 0
    assert 0 < found["idle"] < 1
    assert found["regret"] < 0.5


def test_no_worker_stands_idle_in_a_search_without_an_end():
    found = virtual_workers.simulated(("asha", "random", 8, 0, 30.0, False))
    assert found["idle"] < 0.2  # what ends after the limit is not counted
