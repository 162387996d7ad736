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
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import click
import numpy as np

CURVES = Path(__file__).with_name("curves.json.gz")
EPOCHS = 9
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
    table = json.loads(gzip.decompress(CURVES.read_bytes()))
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


def best_of(table: dict[str, Any]) -> float:
    return max(max(row["scores"]) for row in table["rows"])


class Table:
    """The recorded configurations, and which of them a search has had."""

    def __init__(self, table: dict[str, Any], space: Any):
        self.rows, self.space = table["rows"], space
        self.places = [self._places(row["values"]) for row in self.rows]
        self.left = set(range(len(self.rows)))

    def _places(self, values: dict[str, Any]) -> dict[str, Any]:
        from search.algorithms.unit_space import active, choices, is_ordered, place

        found = {}
        for entry in active(self.space, dict(values)):
            at = place(entry, values[entry.name]) if entry.name in values else None
            if at is not None and is_ordered(entry):
                at = at / max(len(choices(entry) or ()) - 1, 1)
            found[entry.name] = (at, choices(entry) is None or is_ordered(entry))
        return found

    def nearest(self, values: dict[str, Any]) -> int:
        """The most similar configuration of the family that is left, by mean distance."""
        mine = self._places(values)
        family = values["family"]
        own = [n for n in sorted(self.left) if self.rows[n]["values"]["family"] == family]
        own = own or sorted(self.left)
        return min(own, key=lambda n: self._distance(mine, self.places[n]))

    @staticmethod
    def _distance(mine: dict[str, Any], other: dict[str, Any]) -> float:
        gaps = []
        for name in mine.keys() | other.keys():
            if name not in mine or name not in other:
                gaps.append(1.0)
                continue
            (a, number), (b, _) = mine[name], other[name]
            known = a is not None and b is not None
            gaps.append(abs(a - b) if known and number else float(a != b))
        return float(np.mean(gaps))


def replayed(job: tuple[str, int, int]) -> tuple[int, float, float]:
    """Search once: configurations, regret at the end, mean regret over the epochs."""
    import keras_tuner

    from search.algorithms import base, learning, registry
    from search.run_folder.records import COMPLETED

    name, rounds, seed = job
    table = json.loads(gzip.decompress(CURVES.read_bytes()))
    space = keras_tuner.HyperParameters.from_config(table["space"])
    known, best = Table(table, space), best_of(table)
    variant = dict(VARIANTS[name])
    startup = variant.pop("startup", learning.STARTUP)
    judged = variant.pop("judged_on", False)
    place: dict[str, int] = {}
    incumbent, regrets = 0.0, []
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(base, "write_json"),
        mock.patch.object(learning, "STARTUP", startup),
    ):
        oracle = registry.make_oracle(
            config_of(rounds, seed),
            space,
            baselines=[row["values"] for row in table["rows"] if row["baseline"]],
            directory=Path(folder),
        )
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
            oracle.finish(finished(trial.trial_id, row["values"], seen, first, COMPLETED))
            regrets += [best - max(incumbent, *seen[: number + 1]) for number in range(len(seen))]
            incumbent = max(incumbent, *seen)
    mean = float(np.mean(regrets))
    return len(set(place.values())), best - incumbent, mean


def finished(trial_id: str, values: Any, scores: list[float], first: int, status: str) -> Any:
    from search.run_folder.records import TrialRecord

    best = int(np.argmax(scores))
    history = [
        {"epoch": first + number, "val_accuracy": score, "val_loss": 1 - score}
        for number, score in enumerate(scores)
    ]
    return TrialRecord(
        trial_id=trial_id,
        configuration=trial_id,
        values=values,
        bracket=0,
        rung=0,
        initial_epoch=first,
        epochs=first + len(scores),
        status=status,
        history=history,
        score=scores[best],
        best_epoch=first + best,
    )


def config_of(rounds: int, seed: int) -> Any:
    from search.run_folder.config import RunConfig

    return RunConfig(
        data="/photos",
        algo="hyperband",
        families=("cnn", "xception", "transfer"),
        backbones=("mobilenet_050",),
        image_size=(64, 64),
        resize_mode="squeeze",
        compact=True,
        weights="imagenet",
        max_epochs=EPOCHS,
        factor=3,
        hyperband_iterations=rounds,
        max_trials=1,
        objective="val_accuracy",
        validation=0.15,
        test=0.15,
        seed=seed,
        precision="float32",
        deterministic=True,
        early_stop=False,
    )


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
