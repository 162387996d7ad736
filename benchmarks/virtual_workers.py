"""A search by many virtual workers that fail and come back, answered from recorded curves."""

import heapq
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from recorded_curves import Table, best_of, config_of, finished, oracle_of, recorded, space_of

ALGORITHMS = ("hyperband", "asha", "pasha")
DRAWS = {"random": 1.0, "default": None}  # the share drawn at random
FAILING = 0.05
BACK_AFTER = 10.0  # seconds
REGRET = 0.015
CONFIGURATIONS = 17  # of one round of Hyperband with nine epochs
MOST, MOST_EACH = 2_000, 5  # trials of one search, or so many per worker if these are more


@dataclass
class Attempt:
    """A trial on its way: the row that answers it, with noise, and the epochs that are done."""

    trial: Any
    row: int
    noise: float
    first: int
    last: int
    done: int


@dataclass
class Simulation:
    """One search by so many workers; all times are in seconds, virtual ones."""

    table: dict[str, Any]
    known: Table
    oracle: Any
    speeds: np.ndarray
    random: np.random.Generator
    limit: float  # after which it ends
    now: float = 0.0
    waited: float = 0.0  # by workers that stood idle, all together
    down: float = 0.0
    found: float = math.inf  # until the regret was small enough
    incumbent: float = -math.inf  # the best score that was seen, with its noise
    regret: float = 1.0  # of what had it, without
    rows: dict[str, tuple[int, float]] = field(default_factory=dict)
    waiting: list[Attempt] = field(default_factory=list)
    idle: set[int] = field(default_factory=set)
    events: list[tuple[float, int, str, int, Attempt | None]] = field(default_factory=list)
    pushed: int = 0
    asked: int = 0

    def run(self) -> dict[str, float]:
        self.idle = set(range(len(self.speeds)))
        self._assign()
        most = max(MOST, MOST_EACH * len(self.speeds))
        while self.events and self.asked < most:
            time, _, what, worker, attempt = heapq.heappop(self.events)
            if time >= self.limit or (what == "back" and not self._under_way()):
                break
            self.waited += len(self.idle) * (time - self.now)
            self.now = time
            if attempt is not None and what == "ended":
                self._take(attempt)
            if attempt is not None and what == "failed":
                self.waiting.append(attempt)
                self.down += BACK_AFTER
                self._push(BACK_AFTER, "back", worker, None)
            else:
                self.idle.add(worker)
            self._assign()
        here = len(self.speeds) * self.now - self.down
        return {
            "trials": self.asked,
            "seconds": self.now,
            "found": self.found,
            "regret": self.regret,
            "idle": self.waited / here if here > 0 else 0.0,
        }

    def _under_way(self) -> bool:
        return bool(self.waiting) or any(what != "back" for _, _, what, _, _ in self.events)

    def _push(self, seconds: float, what: str, worker: int, attempt: Attempt | None) -> None:
        self.pushed += 1
        heapq.heappush(self.events, (self.now + seconds, self.pushed, what, worker, attempt))

    def _assign(self) -> None:
        for worker in sorted(self.idle):
            attempt = self.waiting.pop(0) if self.waiting else self._asked()
            if attempt is None:
                return
            self.idle.discard(worker)
            self._begin(worker, attempt)

    def _asked(self) -> Attempt | None:
        trial = self.oracle.create_trial(f"slot{self.asked}")
        if trial.status != "RUNNING":
            return None
        self.asked += 1
        values = trial.hyperparameters.values
        parent = values.get("tuner/trial_id")
        if parent in self.rows:
            row, noise = self.rows[parent]
        else:
            error = math.sqrt(0.1 * 0.9 / self.table["images"])  # of a share of 0.9
            row, noise = self.known.nearest(values), float(self.random.normal(0, error / 2))
        self.rows[trial.trial_id] = row, noise
        first, last = values["tuner/initial_epoch"], values["tuner/epochs"]
        return Attempt(trial, row, noise, first, last, done=first)

    def _begin(self, worker: int, attempt: Attempt) -> None:
        row = self.table["rows"][attempt.row]
        epoch = row["seconds"] / len(row["scores"]) / self.speeds[worker]
        took = epoch * (attempt.last - attempt.done)
        if fails := self.random.random() < FAILING:
            took *= self.random.random()
            attempt.done += int(took / epoch)  # what was saved
        self._push(took, "failed" if fails else "ended", worker, attempt)

    def _take(self, attempt: Attempt) -> None:
        row = self.table["rows"][attempt.row]
        clean = row["scores"][attempt.first : attempt.last]
        scores = [score + attempt.noise for score in clean]
        self.oracle.finish(finished(attempt.trial.trial_id, row["values"], scores, attempt.first))
        if max(scores) > self.incumbent:
            self.incumbent = max(scores)
            self.regret = best_of(self.table) - max(clean)
        if self.regret <= REGRET:
            self.found = min(self.found, self.now)


def simulated(job: tuple[str, str, int, int, float, bool]) -> dict[str, Any]:
    """Search once."""
    algorithm, draws, workers, seed, seconds, ends = job
    table = recorded()
    space = space_of(table)
    random = np.random.default_rng(seed)
    most = CONFIGURATIONS * max(workers // CONFIGURATIONS, 1)
    rounds = max(most // CONFIGURATIONS, 1)
    limits = {"hyperband_iterations": rounds, "max_trials": most} if ends else {}
    config = config_of(algo=algorithm, seed=seed, **limits)
    with oracle_of(table, space, config, open_ended=not ends) as oracle:
        if DRAWS[draws] is not None:
            oracle.random_share = DRAWS[draws]
        result = Simulation(
            table,
            Table(table, space),
            oracle,
            speeds=random.uniform(0.5, 1.5, size=workers),
            random=random,
            limit=math.inf if ends else seconds,
        ).run()
    return {
        "algorithm": algorithm,
        "draws": draws,
        "workers": workers,
        "seed": seed,
        "ends": ends,
        **result,
    }
