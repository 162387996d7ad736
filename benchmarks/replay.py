"""Replay recorded learning curves: what is left to be found after a search, by how it draws.

    python benchmarks/replay.py record results/RUN   # write curves.json.gz from a random search
    python benchmarks/replay.py [--seeds 100] [--rounds 1,3]

The curves are those of a search without early stopping: known-good configurations and random ones,
each trained for all epochs. A search by the real oracle is answered from them: what it proposes
becomes the most similar configuration of the family that was not tried yet, whose curve is then
read as far as the rung goes. The clock counts epochs. Printed is the regret: by how much the best
score at the end, and on average over the epochs, is below the best of the table; with its standard
error over seeds, and paired against Hyperband with random proposals.
"""

import gzip
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import click
import numpy as np
from recorded_curves import (
    CURVES,
    EPOCHS,
    Table,
    best_of,
    config_of,
    finished,
    oracle_of,
    recorded,
    space_of,
)

VARIANTS: dict[str, dict[str, Any]] = {
    "random": {"random_share": 1.0},
    "TPE": {"random_share": 1 / 3, "with_prior": False},
    "prior": {"random_share": 1 / 3, "startup": 10**9},
    "TPE and prior (default)": {"random_share": 1 / 3},
    "default, families given up": {"random_share": 1 / 3, "judged_on": True},
}


@click.group(invoke_without_command=True, help=__doc__)
@click.option("--seeds", default=100, show_default=True)
@click.option("--rounds", default="1,3", show_default=True, help="Rounds of Hyperband.")
@click.pass_context
def main(context: click.Context, seeds: int, rounds: str) -> None:
    if context.invoked_subcommand:
        return
    table = recorded()
    print(f"{len(table['rows'])} configurations of {table['data']}, best {best_of(table):.4f}")
    with ProcessPoolExecutor() as pool:
        for count in map(int, rounds.split(",")):
            jobs = [(name, count, seed) for name in VARIANTS for seed in range(seeds)]
            results = dict(zip(jobs, pool.map(replayed, jobs, chunksize=5), strict=True))
            report(results, count, seeds)


@main.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
def record(run: Path) -> None:
    from search.run_folder.config import RunConfig
    from search.run_folder.data_summary import DataSummary
    from search.run_folder.paths import RunFolder
    from search.run_folder.record_files import load_records

    folder = RunFolder(run)
    state = json.loads((run / "oracle" / "oracle.json").read_text())
    rows = [
        {
            "values": record.values,
            "scores": [round(logs["val_accuracy"], 4) for logs in record.history],
            "seconds": record.seconds,
            "baseline": record.baseline,
        }
        for record in load_records(folder)
        if record.values["family"] != "probe" and len(record.history) == EPOCHS
    ]
    splits = DataSummary.load(folder).splits
    table = {
        "data": Path(RunConfig.load(folder).data).name,
        "images": splits.validation,
        "space": state["hyperparameters"],
        "rows": rows,
    }
    CURVES.write_bytes(gzip.compress(json.dumps(table).encode(), mtime=0))
    print(f"{len(rows)} curves, {CURVES.stat().st_size / 1000:.0f} kB")


def replayed(job: tuple[str, int, int]) -> tuple[int, float, float]:
    """Search once: configurations, regret at the end, mean regret over the epochs."""
    from search.algorithms import learning

    name, rounds, seed = job
    table = recorded()
    space = space_of(table)
    known, best = Table(table, space), best_of(table)
    variant = dict(VARIANTS[name])
    startup = variant.pop("startup", learning.STARTUP)
    judged = variant.pop("judged_on", False)
    place: dict[str, int] = {}
    incumbent, regrets = 0.0, []
    config = config_of(hyperband_iterations=rounds, max_trials=1, seed=seed)
    with (
        mock.patch.object(learning, "STARTUP", startup),
        oracle_of(table, space, config) as oracle,
    ):
        for option, value in variant.items():
            setattr(oracle, option, value)
        oracle.judged_on = table["images"] if judged else None
        while (trial := oracle.create_trial(f"slot{len(place)}")).status == "RUNNING":
            values = trial.hyperparameters.values
            parent = values.get("tuner/trial_id")
            if parent is None and not known.left:
                break
            row_number = place[parent] if parent else known.nearest(values)
            known.left.discard(row_number)
            place[trial.trial_id] = row_number
            row = table["rows"][row_number]
            own = {key: value for key, value in values.items() if key.startswith("tuner/")}
            trial.hyperparameters.values = {**row["values"], **own}
            first, last = values["tuner/initial_epoch"], values["tuner/epochs"]
            seen = row["scores"][first:last]
            oracle.finish(finished(trial.trial_id, row["values"], seen, first))
            regrets += [best - max(incumbent, *seen[: number + 1]) for number in range(len(seen))]
            incumbent = max(incumbent, *seen)
    mean = float(np.mean(regrets))
    return len(set(place.values())), best - incumbent, mean


def report(results: dict[Any, Any], rounds: int, seeds: int) -> None:
    def of(name: str) -> np.ndarray:
        return np.array([results[name, rounds, seed] for seed in range(seeds)])

    stock = of("random")
    print(f"\n{rounds} round(s), {stock[:, 0].mean():.0f} configurations, {seeds} seeds; points")
    print(f"{'':>28}  at the end           over the epochs      against random (95 %)")
    for name in VARIANTS:
        mine = 100 * of(name)
        gain = mine[:, 1:] - 100 * stock[:, 1:]
        error = gain.std(axis=0, ddof=1) / np.sqrt(seeds)
        ends = mine[:, 1:].std(axis=0, ddof=1) / np.sqrt(seeds)
        cells = [f"{mine[:, n + 1].mean():5.2f} ± {ends[n]:.2f}" for n in (0, 1)]
        paired = [f"{gain[:, n].mean():+5.2f} ± {1.96 * error[n]:.2f}" for n in (0, 1)]
        print(f"{name:>28}  {cells[0]:<20} {cells[1]:<20} {paired[0]}, {paired[1]}", flush=True)


if __name__ == "__main__":
    main()
