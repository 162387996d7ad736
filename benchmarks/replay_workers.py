"""Replay searches with many workers of unequal speed that fail: who stands idle, and how soon.

    python benchmarks/replay_workers.py [--workers 1,4,16,64,256,1000] [--seeds 3] --out FOLDER

Hyperband, ASHA and PASHA, each with all draws at random and as they draw by default, are asked by
so many virtual workers; the answers are recorded learning curves (`recorded_curves.py`), with
noise of as many images as these were validated on. An epoch takes as long as it was recorded to,
divided by the speed of the worker (0.5 to 1.5). A twentieth of all attempts fail at any point:
the worker comes back after ten seconds, and the trial goes on from its last epoch on the next free
one. Two kinds of search: open-ended ones for --seconds, of which the seconds are told until the
regret is below one and a half points; and ones of an end (rounds of Hyperband for about a
configuration per worker, or as many configurations), of which the share of time is told that
workers stood idle before it. All seconds are virtual. Writes workers.json and workers.png.
"""

import heapq
import json
import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from recorded_curves import Table, best_of, config_of, finished, oracle_of, recorded, space_of

ALGORITHMS = ("hyperband", "asha", "pasha")
DRAWS = {"random": 1.0, "default": None}  # the share drawn at random
FAILING = 0.05
BACK_AFTER = 10.0  # seconds
REGRET = 0.015
CONFIGURATIONS = 17  # of one round of Hyperband with nine epochs
MOST = 2_000  # trials of one search


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
    until_found: bool  # or once the regret is small enough
    now: float = 0.0
    busy: float = 0.0
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
        while self.events and self.asked < MOST:
            time, _, what, worker, attempt = heapq.heappop(self.events)
            if time >= self.limit or (what == "back" and not self._under_way()):
                break
            self.now = time
            if attempt is not None and what == "ended":
                self._take(attempt)
            if attempt is not None and what == "failed":
                self.waiting.append(attempt)
                self.down += BACK_AFTER
                self._push(BACK_AFTER, "back", worker, None)
            else:
                self.idle.add(worker)
            if self.until_found and self.found < math.inf:
                break
            self._assign()
        here = len(self.speeds) * self.now - self.down
        return {
            "trials": self.asked,
            "seconds": self.now,
            "found": self.found,
            "regret": self.regret,
            "idle": max(1 - self.busy / here, 0.0) if here > 0 else 0.0,
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
        self.busy += took
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
            until_found=not ends,
        ).run()
    return {
        "algorithm": algorithm,
        "draws": draws,
        "workers": workers,
        "seed": seed,
        "ends": ends,
        **result,
    }


@click.command(help=__doc__)
@click.option("--workers", default="1,4,16,64,256,1000", show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--seconds", default=400.0, show_default=True)
@click.option(
    "--model-up-to",
    default=64,
    show_default=True,
    help="Workers up to which the default draws are replayed: real seconds of a draw grow with "
    "the configurations that the model has seen.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(workers: str, seeds: int, seconds: float, model_up_to: int, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    counts = [int(word) for word in workers.split(",")]
    jobs = [
        (algorithm, draws, count, seed, seconds, ends)
        for count in counts
        for ends in (False, True)
        for algorithm in ALGORITHMS
        for draws, share in DRAWS.items()
        if share is not None or count <= model_up_to
        for seed in range(seeds)
    ]
    rows = []
    with ProcessPoolExecutor() as pool:
        for row in pool.map(simulated, jobs):
            rows.append(row)
            (out / "workers.json").write_text(json.dumps(rows))
    report(rows, counts)
    draw(rows, counts, out / "workers.png")


def median(rows: list[dict[str, Any]], key: str, **which: Any) -> float:
    """Median over the seeds; not a number where none was replayed."""
    wanted = [row for row in rows if all(row[name] == value for name, value in which.items())]
    return float(np.median([row[key] for row in wanted])) if wanted else math.nan


def report(rows: list[dict[str, Any]], counts: list[int]) -> None:
    print("workers  algorithm   draws     idle before its end   seconds to it   seconds to regret")
    for count in counts:
        for algorithm in ALGORITHMS:
            for draws in DRAWS:
                which = {"workers": count, "algorithm": algorithm, "draws": draws}
                idle = median(rows, "idle", ends=True, **which)
                end = median(rows, "seconds", ends=True, **which)
                found = median(rows, "found", ends=False, **which)
                print(
                    f"{count:>7}  {algorithm:<10}  {draws:<8}  {idle:>19.1%}  {end:>14.0f}"
                    f"  {found:>18.1f}",
                    flush=True,
                )


def draw(rows: list[dict[str, Any]], counts: list[int], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for algorithm, colour in zip(ALGORITHMS, ("tab:blue", "tab:orange", "tab:green"), strict=True):
        for draws, style in zip(DRAWS, (":", "-"), strict=True):
            which = {"algorithm": algorithm, "draws": draws}
            idle = [median(rows, "idle", ends=True, workers=n, **which) for n in counts]
            found = [median(rows, "found", ends=False, workers=n, **which) for n in counts]
            name = f"{algorithm}, {draws}"
            left.plot(counts, np.multiply(100, idle), style, marker="o", color=colour, label=name)
            right.plot(counts, found, style, marker="o", color=colour, label=name)
    left.set_ylabel("time that workers stood idle, %")
    right.set_ylabel("seconds until the regret is below 1.5 points")
    right.set_yscale("log")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("workers")
        axes.grid(alpha=0.3)
    right.legend(fontsize="small")
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
