"""Which machines of a cluster can be used, and when it is of no use to wait."""

from types import SimpleNamespace

import pytest

from search.errors import TuneError
from search.executors.ray import membership
from search.executors.ray.membership import Membership
from search.executors.ray.node import _part, _why
from search.executors.ray.slot import NodeTroubleError


class FakeNode:
    def __init__(self, desk, row, first, given_up):
        self.node_id = row["NodeID"]
        self.label = self.node_id.rstrip("0123456789")
        self.counts = self.slots = 1
        self.given_up = given_up

    def start(self):
        pass

    def give_up(self, error):
        self.given_up(self, "")


@pytest.fixture
def cluster(monkeypatch):
    """A look at machines of these names."""
    monkeypatch.setattr(membership, "Node", FakeNode)
    rows = []
    ray = SimpleNamespace(nodes=lambda: rows)
    ray.exceptions = SimpleNamespace(RayError=RuntimeError)
    said = SimpleNamespace(put=lambda event: None)
    found = Membership(SimpleNamespace(ray=ray, events=said))

    def there(*names):
        rows[:] = [{"NodeID": name, "Alive": True, "Resources": {"CPU": 2.0}} for name in names]
        found.look()
        return found

    return there


def node(members, name):
    return next(node for node in members._nodes.values() if node.node_id == name)


def test_a_machine_that_is_refused_leaves_the_others(cluster):
    members = cluster("a", "b")
    members._given_up(node(members, "b"), "has other versions")
    members.require_some()
    assert members.slots == 1


def test_one_that_worked_and_is_gone_is_waited_for(cluster):
    members = cluster("a", "b")
    members._given_up(node(members, "b"), "has other versions")
    members._given_up(node(members, "a"), "")
    members.require_some()
    cluster("a", "b")
    assert members.slots == 1
    cluster("b")
    members.require_some()


def test_one_that_was_lost_and_is_refused_when_it_is_back_is_not_waited_for(cluster):
    members = cluster("a", "b")
    members._given_up(node(members, "a"), "")
    cluster("a", "b")
    for name in "ab":
        members._given_up(node(members, name), "does not see the photos")
    with pytest.raises(TuneError, match="a: does not see the photos"):
        members.require_some()


def test_one_that_is_back_under_another_number_is_not_waited_for(cluster):
    members = cluster("a1")
    cluster("a2")
    members._given_up(node(members, "a2"), "does not see the photos")
    with pytest.raises(TuneError, match="a: does not see the photos"):
        members.require_some()


def test_where_all_are_refused_the_search_ends(cluster):
    members = cluster("a", "b")
    for name in "ab":
        members._given_up(node(members, name), "has other versions")
    with pytest.raises(TuneError, match=r"can run trials:\n  a: has other versions\n  b: has"):
        members.require_some()
    cluster("c")
    members.require_some()


@pytest.mark.parametrize(
    ("whole", "slots", "each"),
    [(4, 4, 1.0), (8, 4, 2.0), (9, 4, 2.0), (0, 3, 0.0), (4, 6, 0.5), (1, 3, 0.3333), (2, 3, 0.5)],
)
def test_parts_fit_into_whole_gpus(whole, slots, each):
    assert _part(whole, slots) == each
    if 0 < each < 1:
        assert whole * int(1 / each) >= slots


def test_why_a_machine_failed_is_said_where_it_is_known():
    def of_actor(cause):
        error = RuntimeError("of Ray")
        error.cause = cause
        return error

    assert _why(NodeTroubleError("the disk is full")) == "the disk is full"
    assert _why(of_actor(OSError("no space"))) == "no space"
    assert _why(of_actor(KeyError("weights"))) == "KeyError: 'weights'"
    assert _why(RuntimeError("the machine is gone")) == ""
