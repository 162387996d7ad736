"""Compare the figures that an export prints with tests on unseen photos, over several splits.

    python benchmarks/trust.py PHOTOS --unseen OTHER_PHOTOS --seeds 0,1,2,3,4 -- --image-size 96

For each seed (of split, proposals and weights): `tune run PHOTOS`, `tune export-best --precision
0.99`, `tune evaluate` on OTHER_PHOTOS. Says for each the accuracy on validation, on the test images
with its interval, and on the other photos, and how often the interval covers the latter; the
calibration error before and after on photos not used for it; and precision and coverage at the
threshold. A run of that name that is there already is not searched again. What follows `--` goes
to `tune run`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

TUNE = [sys.executable, "-c", "from search.cli import main; main()"]
PRECISION = 0.99


@click.command(help=__doc__)
@click.argument("photos", type=click.Path(exists=True, path_type=Path))
@click.option("--unseen", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--seeds", default="0,1,2,3,4", show_default=True)
@click.option("--results", type=click.Path(path_type=Path), default=Path("results/trust"))
@click.argument("options", nargs=-1)
def main(photos: Path, unseen: Path, seeds: str, results: Path, options: tuple[str, ...]) -> None:
    rows = []
    for seed in seeds.split(","):
        rows.append(one_seed(photos, unseen, seed, results, list(options)))
        print(json.dumps(rows[-1]), flush=True)
    (results / "trust.json").write_text(json.dumps(rows, indent=1))
    print_table(rows)


def one_seed(
    photos: Path, unseen: Path, seed: str, results: Path, options: list[str]
) -> dict[str, Any]:
    """Search, export and test with one seed."""
    name, where = f"seed{seed}", ["--results", str(results)]
    if not (results / name / "config.json").exists():
        tune("run", str(photos), "--seed", seed, "--name", name, *where, *options)
    tune("export-best", name, "--precision", str(PRECISION), *where)
    export = results / name / "export"
    metrics = json.loads((export / "metrics.json").read_text())
    elsewhere = json.loads(tune("evaluate", str(export), str(unseen), "--json"))
    return {
        "seed": int(seed),
        "summary": next(r["summary"] for r in metrics["finalists"] if r["chosen"]),
        "search": metrics["val_accuracy_in_search"],
        "validation": metrics["val_accuracy"],
        "test": metrics["accuracy"],
        "interval": metrics["accuracy_interval"],
        "unseen": elsewhere["accuracy"],
        "temperature": metrics["calibration"]["temperature"],
        "ece_before": uncalibrated(export, unseen, metrics["calibration"]["temperature"]),
        "ece_after": elsewhere["ece"],
        "threshold": metrics["calibration"]["threshold"],
        "abstain_test": metrics["abstain"],
        "abstain_unseen": elsewhere["abstain"],
    }


def uncalibrated(export: Path, unseen: Path, temperature: float) -> float:
    """Calibration error on the unseen photos that the model would have without its temperature."""
    from search.evaluation.calibration import with_temperature
    from search.evaluation.metrics import expected_calibration_error

    rows = json.loads(tune("predict", str(export), str(unseen), "--json"))
    labels = sorted(rows[0]["probabilities"])
    probabilities = np.array([[row["probabilities"][name] for name in labels] for row in rows])
    targets = np.array([labels.index(Path(row["path"]).parent.name) for row in rows])
    return expected_calibration_error(with_temperature(probabilities, 1 / temperature), targets)


def tune(*arguments: str) -> str:
    """Run a command; its stdout."""
    return subprocess.run([*TUNE, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print one line per seed, and what they come to together."""
    print("seed  search  validation  test (95 %)                unseen  covered  ECE before, after")
    for row in rows:
        low, high = row["interval"]
        print(
            f"{row['seed']:<4}  {row['search']:.4f}  {row['validation']:.4f}      "
            f"{row['test']:.4f} ({low:.4f} to {high:.4f})  {row['unseen']:.4f}  "
            f"{'yes' if low <= row['unseen'] <= high else 'no ':<7}  "
            f"{row['ece_before']:.4f}, {row['ece_after']:.4f}"
        )
    covered = sum(row["interval"][0] <= row["unseen"] <= row["interval"][1] for row in rows)
    print(f"the interval covers the accuracy on unseen photos {covered} times of {len(rows)}")
    print(f"answers where sure enough for {PRECISION}: seed, threshold, then precision, coverage")
    for row in rows:
        tested, others = row["abstain_test"], row["abstain_unseen"]
        print(
            f"{row['seed']:<4}  {row['threshold']:.4f}  test {tested['precision']:.4f}, "
            f"{tested['coverage']:.4f}  unseen {others['precision']:.4f}, {others['coverage']:.4f}"
        )


if __name__ == "__main__":
    main()
