"""Which nodes a cluster has: those that join are made ready, those that are lost given up."""

import threading
import time
from collections import Counter

from search.errors import TuneError
from search.executors.ray.desk import Desk, DeskThread
from search.executors.ray.events import LostError, Said
from search.executors.ray.node import Node

LOOK_SECONDS = 1.0  # between two looks at which nodes there are
MOST_BEGUN = 5  # times that one node is made ready; it is broken if it is lost as often
END_SECONDS = 5.0  # in which all threads end at the end


class Membership(DeskThread):
    """Looks at the cluster until the search ends.

    Args:
        desk: what all nodes share.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "nodes of the cluster")
        self._nodes: dict[str, Node] = {}
        self._refused: dict[str, str] = {}
        self._begun: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._alive: set[str] = set()
        self._lost: set[str] = set()  # names of those that may come back
        self.look(first=True)

    @property
    def slots(self) -> int:
        """Trials at once that may be given to the nodes there are."""
        with self._lock:
            return sum(node.counts for node in self._nodes.values())

    def work(self) -> None:
        """Look once per second."""
        while not self.desk.closing.wait(LOOK_SECONDS):
            self.look()

    def look(self, *, first: bool = False) -> None:
        """Take in nodes that have joined, and give up those that are gone.

        Args:
            first: whether the search begins.
        """
        try:
            rows = {row["NodeID"]: row for row in self.desk.ray.nodes() if row["Alive"]}
        except (self.desk.ray.exceptions.RayError, ConnectionError):
            return  # asked again in a second
        with self._lock:
            usable = {"CPU", "GPU"}
            self._alive = {key for key, row in rows.items() if usable & row["Resources"].keys()}
            self._refused = {key: why for key, why in self._refused.items() if key in rows}
            gone = [node for key, node in self._nodes.items() if key not in rows]
        for node in gone:  # first: it may be back under another number
            node.give_up(LostError())
        with self._lock:
            joined = [key for key in rows if key not in self._nodes and key not in self._refused]
            new = [Node(self.desk, rows[key], first, self._given_up) for key in joined]
            self._nodes.update(zip(joined, new, strict=True))
            self._lost -= {node.label for node in new}
            self._begun.update(joined)
        for node in new:
            node.start()

    def _given_up(self, node: Node, reason: str) -> None:
        """Forget a node; without a reason it is taken in anew if it is there again."""
        with self._lock:
            self._nodes.pop(node.node_id, None)
            if not reason and self._begun[node.node_id] >= MOST_BEGUN:
                reason = f"was lost {MOST_BEGUN} times"
            if reason:
                self._refused[node.node_id] = f"{node.label}: {reason}"
            else:
                self._lost.add(node.label)
        lost = "was lost; its trials go on elsewhere"
        said = f"is not used any more: {reason}" if reason else lost
        self.desk.events.put(Said(f"cluster: {node.label} {said}", warning=True))

    def require_some(self) -> None:
        """Look whether it is of use to wait.

        Raises:
            TuneError: every node that could run trials was refused. One that worked and was lost is
                waited for until it is back, by the name of its machine.
        """
        with self._lock:
            if self._alive and self._alive <= self._refused.keys() and not self._lost:
                reasons = "\n".join(f"  {reason}" for reason in self._refused.values())
                raise TuneError(f"no machine of the cluster can run trials:\n{reasons}")

    def end(self, seconds: float) -> None:
        """End all actors, and delete what this search has left on the nodes.

        Args:
            seconds: that deleting may take.
        """
        self.desk.closing.set()
        with self._lock:
            nodes = [node for node in self._nodes.values() if node.agent is not None]
        for node in nodes:
            node.end_slots()
        ray, name = self.desk.ray, self.desk.settings.name
        cleared = [node.agent.clear.remote(name) for node in nodes]
        if cleared:
            ray.wait(cleared, num_returns=len(cleared), timeout=seconds)
        for node in nodes:  # before their threads: who waits for an agent hears that it is gone
            node.end()
        until = time.monotonic() + END_SECONDS
        # A thread that asked Ray for something after it has ended would start it anew.
        for thread in (self, *(slot for node in nodes for slot in node.threads), *nodes):
            if thread.is_alive():
                thread.join(max(0.1, until - time.monotonic()))
        for node in nodes:
            node.end()
