"""What configurations cost to run, and what is said when none is cheap enough."""

from dataclasses import replace

import numpy as np
import pytest
from finished_runs import finished_run, in_this_process
from recorded_progress import Recorded
from small_trials import values_for
from stopping import NEVER

from models.errors import ModelError
from search.errors import TuneError
from search.formats.cost import Budget, Cost, Costs, within
from search.run_folder.record_files import load_records

FAST, SMALL, NEITHER = Cost(0.004, 9_000_000), Cost(0.02, 1_000_000), Cost(0.03, 8_000_000)


@pytest.mark.parametrize(
    ("budget", "allowed"),
    [
        (Budget(), [True, True, True]),
        (Budget(latency=0.02), [True, True, False]),
        (Budget(size=8_000_000), [False, True, True]),
        (Budget(latency=0.01, size=2_000_000), [False, False, False]),
    ],
)
def test_a_budget_holds_for_time_and_size(budget, allowed):
    assert [budget.allows(cost) for cost in (FAST, SMALL, NEITHER)] == allowed


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("search.formats.cost.measure_file", in_this_process)


@pytest.fixture
def said():
    return Recorded()


def costs_of(run, said, *formats):
    return Costs(run, formats, stop=NEVER, progress=said)


def test_an_architecture_is_measured_once_whatever_it_is_trained_with(scratch, said):
    costs = costs_of(scratch, said, "keras", "litert")
    values = values_for(scratch, "cnn")
    found = costs.of(values)
    assert 0 < found.latency < 5
    assert found.size > 10_000
    assert costs.of(values | {"learning_rate": 0.5, "batch_size": 32, "cnn/dropout": 0.1}) is found
    wider = costs.of(values_for(scratch, "cnn", **{"cnn/filters": 32}))
    assert wider.size > found.size
    assert said.text.count("measured:") == 2
    assert found.in_words() in said.text


def test_a_busy_machine_is_said_beside_what_was_measured_on_it(scratch, said, monkeypatch):
    def busy(name, path, images):
        measured = in_this_process(name, path, images)
        return replace(measured, latency=replace(measured.latency, others=0.5))

    monkeypatch.setattr("search.formats.cost.measure_file", busy)
    costs_of(scratch, said, "keras").of(values_for(scratch, "cnn"))
    assert "(other programs used 50 % of the cores meanwhile: times may be too high)" in said.text


def test_what_cannot_be_written_has_no_cost(scratch, said, monkeypatch):
    def refuse(*_, **__):
        raise TuneError("cannot be written as this")

    monkeypatch.setattr("search.formats.cost.write_format", refuse)
    costs = costs_of(scratch, said, "onnx")
    assert costs.of(values_for(scratch, "cnn")) is None
    assert "cannot be written as this" in said.text
    assert not costs.known.get("anything")


@pytest.fixture
def run(scratch, tmp_path):
    return finished_run(scratch, tmp_path, [("cnn", 0.5), ("xception", 0.9)])


def test_what_cannot_be_built_has_no_cost(scratch, said, monkeypatch):
    """As a family of the user's own for some of its values."""

    def refuse(*_):
        raise ModelError("no such layer")

    monkeypatch.setattr("search.formats.cost.untrained", refuse)
    assert costs_of(scratch, said, "keras").of(values_for(scratch, "cnn")) is None
    assert "no such layer" in said.text


def test_small_files_are_told_in_kilobytes():
    assert Cost(0.0003, 12_345).in_words() == "0.3 ms, 12 KB"
    assert Budget(size=10_000).in_words() == "10 KB"


def test_nothing_is_measured_without_a_limit(run, said):
    costs = costs_of(run, said, "keras")
    assert all(within(costs, Budget(), record) for record in load_records(run.run))
    assert not costs.known


def test_what_breaks_the_limit_does_not_fit(run, said):
    costs = costs_of(run, said, "keras")
    cnn, xception = load_records(run.run)
    costs.of(cnn.values)
    limit = Budget(size=costs.of(cnn.values).size)
    assert within(costs, limit, cnn)
    assert within(costs, Budget(size=10), cnn) is False
    assert within(costs, limit, xception) is (costs.of(xception.values).size <= limit.size)


def test_where_none_fits_the_nearest_are_named(run, said):
    costs = costs_of(run, said, "litert")
    costs.known = {"a": FAST, "b": SMALL, "c": None}
    message = str(costs.none_fits(Budget(latency=0.003, size=500_000)))
    for part in ("3 ms and 0.5 MB", "litert", "4.0 ms, 9.0 MB", "20.0 ms, 1.0 MB"):
        assert part in message
    costs.known = {"c": None}
    assert "can be written" in str(costs.none_fits(Budget(size=1)))


def test_images_to_learn_ranges_from_are_training_images_spread_over_all(scratch):
    found = scratch.representative()
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, scratch.pixels[scratch.train])
