"""Replay searches with many workers of unequal speed that fail: who stands idle, and how soon.

    python benchmarks/replay_workers.py [--workers 1,4,16,64,256,1000] [--seeds 3] --out FOLDER

Hyperband, ASHA and PASHA, each with all draws at random and as they draw by default, are asked by
so many virtual workers; the answers are recorded learning curves (`recorded_curves.py`), with
noise of as many images as these were validated on. An epoch takes as long as it was recorded to,
divided by the speed of the worker (0.5 to 1.5). A twentieth of all attempts fail at any point:
the worker comes back after ten seconds, and the trial goes on from its last epoch on the next free
one. Two kinds of search: open-ended ones, for --seconds, or for 2,000 trials or five per worker, of
which the seconds are told until the regret is below one and a half points, and the share of time
that workers stood idle though there was always more to try; and ones of an end (rounds of Hyperband
for about a configuration per worker, or as many configurations), of which that share is told before
it, and when it came. All seconds are virtual. Writes workers.json and workers.png.
"""

import json
import math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
import numpy as np
from virtual_workers import ALGORITHMS, DRAWS, simulated


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


def figure(value: float, kind: str) -> str:
    """In the table: - where it was not replayed."""
    return "-" if math.isnan(value) else format(value, kind)


def report(rows: list[dict[str, Any]], counts: list[int]) -> None:
    print(
        "workers  algorithm   draws     idle   seconds to regret  idle before an end  its seconds"
    )
    for count in counts:
        for algorithm in ALGORITHMS:
            for draws in DRAWS:
                which = {"workers": count, "algorithm": algorithm, "draws": draws}
                idle = median(rows, "idle", ends=False, **which)
                found = median(rows, "found", ends=False, **which)
                waited = median(rows, "idle", ends=True, **which)
                end = median(rows, "seconds", ends=True, **which)
                print(
                    f"{count:>7}  {algorithm:<10}  {draws:<8}  {figure(idle, '.1%'):>5}"
                    f"  {figure(found, '.1f'):>18}  {figure(waited, '.1%'):>18}"
                    f"  {figure(end, '.0f'):>11}",
                    flush=True,
                )


def draw(rows: list[dict[str, Any]], counts: list[int], path: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter, NullLocator

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for algorithm, colour in zip(ALGORITHMS, ("tab:blue", "tab:orange", "tab:green"), strict=True):
        for draws, style in zip(DRAWS, (":", "-"), strict=True):
            which = {"algorithm": algorithm, "draws": draws}
            idle = [median(rows, "idle", ends=False, workers=n, **which) for n in counts]
            found = [median(rows, "found", ends=False, workers=n, **which) for n in counts]
            if np.isnan([*idle, *found]).all():
                continue
            name = f"{algorithm}, {draws}"
            left.plot(counts, np.multiply(100, idle), style, marker="o", color=colour, label=name)
            right.plot(counts, found, style, marker="o", color=colour, label=name)
    left.set_ylabel("time that workers stood idle, %")
    left.set_ylim(bottom=0, top=max(1.0, left.get_ylim()[1]))
    right.set_ylabel("seconds until the regret is below 1.5 points")
    right.set_yscale("log")
    right.yaxis.set_major_formatter("{x:g}")
    # Of a span of several powers of ten no others are named: they would overlap.
    right.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("workers")
        axes.grid(alpha=0.3)
    right.legend(fontsize="small")
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
