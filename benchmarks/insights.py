"""Measure whether what `tune show` says a search has taught is true, and how long it takes.

    python benchmarks/insights.py truth     # made-up searches: false alarms, and what is found
    python benchmarks/insights.py families  # how often one of equal families is called ahead
    python benchmarks/insights.py order     # which share of the best PED-ANOVA should look at
    python benchmarks/insights.py show      # time of `tune show` on a run of 1,000 configurations

`truth` draws configurations of the CNN family at random from the real space, once with scores
that are noise and once with scores that depend on the learning rate (best at 3e-3) and the number
of blocks (the more the better), each with a variance of 1, and on noise with a variance of 0.5.
SGD is left out there, so that each has a learning rate. It compares our check with what permuting
PED-ANOVA's importances would find.
"""

import itertools
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from made_up_run import TUNE, made_up_run

TRUE = {"learning_rate", "cnn/blocks"}
NOISE = 0.5**0.5


@click.group(help=__doc__)
def main() -> None:
    warnings.simplefilter("ignore")


@main.command()
@click.option("--searches", default=200, show_default=True)
@click.option("--sizes", default="16,49,200", show_default=True)
@click.option("--permuted", default=0, show_default=True, help="Searches for PED-ANOVA permuted.")
def truth(searches: int, sizes: str, permuted: int) -> None:
    for size in map(int, sizes.split(",")):
        for name, quality in (("noise", noise), ("truth", two_matter)):
            found = [said(run) for run in made_up(size, searches, quality)]
            named = [each["named"] for each in found]
            print(row(f"{size} {name}", named), flush=True)
            edges = [bool(each["edges"]) for each in found]
            either = [bool(each["edges"] or each["named"]) for each in found]
            print(f"  an end is said {np.mean(edges):.3f}, either {np.mean(either):.3f}")
            if permuted:
                named = [by_permuting(run) for run in made_up(size, permuted, quality)]
                print(row(f"{size} {name}, PED-ANOVA permuted, {permuted} searches", named))


def row(name: str, named: list[set[str]]) -> str:
    """How often anything, both, and nothing but both is named."""
    shares = {
        "any": [bool(names) for names in named],
        "both": [names >= TRUE for names in named],
        "exactly both": [names == TRUE for names in named],
        "a false one": [bool(names - TRUE) for names in named],
    }
    return f"{name}: " + ", ".join(f"{what} {np.mean(all_):.3f}" for what, all_ in shares.items())


def noise(values: dict[str, Any], rng: np.random.Generator) -> float:
    return 0.75 + 0.05 * rng.standard_normal()


def two_matter(values: dict[str, Any], rng: np.random.Generator) -> float:
    place = np.log10(values["learning_rate"] / 1e-4) / 2
    course = -((np.linspace(0, 1, 1001) - 0.74) ** 2)
    rate = (-((place - 0.74) ** 2) - course.mean()) / course.std()
    blocks = (values["cnn/blocks"] - 3.5) / 1.12
    return 0.75 + 0.05 * (rate + blocks + NOISE * rng.standard_normal())


def made_up(size: int, searches: int, quality: Callable[..., float]) -> Any:
    """Searches of the CNN family without SGD: (run folder, records, configuration) each."""
    from made_up_search import begun, draws, searched

    from search.run_folder.paths import RunFolder

    rng = np.random.default_rng(size)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "made-up")
        config, space, baselines = begun(run, families=("cnn",))
        with_rate = (v for v in draws(space, 0) if "learning_rate" in v)
        pool = list(itertools.islice(with_rate, max(1000, 3 * size)))
        for _ in range(searches):
            drawn = [pool[i] for i in rng.choice(len(pool), size, replace=False)]
            yield (
                run,
                searched(baselines + drawn, lambda v: quality(v, rng), baselines=len(baselines)),
                config,
            )


def said(search: Any) -> dict[str, Any]:
    """Return what `tune show` would say of it."""
    from search.insights.insight import find_insights

    found = find_insights(*search)
    return {
        "named": {row.name for row in found.importance if row.matters},
        "edges": found.edges,
    }


def by_permuting(search: Any, share: float = 0.25, times: int = 99) -> set[str]:
    """What is above the 95th percentile of the largest importance after permuting the standings."""
    from search.insights import importance

    space, values, ranks = asked(search)
    before, importance.TOP = importance.TOP, share
    rng = np.random.default_rng(0)
    try:
        largest = [max(raw(space, values, rng.permutation(ranks)).values()) for _ in range(times)]
        true = raw(space, values, ranks)
    finally:
        importance.TOP = before
    return {name for name, value in true.items() if value > np.quantile(largest, 0.95)}


def raw(space: Any, values: Any, ranks: Any) -> dict[str, float]:
    """Importances before they are made to add up to 1."""
    from search.insights.importance import divergences

    return divergences(space, values, [float(each) for each in ranks])


def asked(search: Any) -> tuple[Any, Any, list[float]]:
    """Space, values and standings as `find_insights` has them."""
    from search.insights.insight import _of
    from search.insights.ranks import members, ranks
    from search.insights.space import read_space

    run, records, config = search
    drawn = [member for member in members(records, config) if member.at_random]
    standing = ranks(drawn)
    values = [member.values for member in drawn]
    present = set().union(*values)
    space = {n: h for n, h in _of(read_space(run), "cnn").items() if n in present}
    return space, values, [standing[member.configuration] for member in drawn]


@main.command()
@click.option("--searches", default=20_000, show_default=True)
@click.option("--pictures", default=300, show_default=True)
def families(searches: int, images: int) -> None:
    """Configurations equally good, each judged on images of its own: the worst case."""
    from search.evaluation.two_shares import cannot_tell

    rng = np.random.default_rng(0)
    for accuracy, counts in itertools.product((0.7, 0.95), ((1, 1), (16, 16), (5, 50), (16,) * 3)):
        best = np.stack(
            [rng.binomial(images, accuracy, (searches, n)).max(axis=1) for n in counts], axis=1
        )
        first, second = np.sort(best / images, axis=1)[:, :-3:-1].T
        told = [not cannot_tell(a, b, images) for a, b in zip(first, second, strict=True)]
        print(f"{accuracy} on {images}, best of {counts}: one is ahead {np.mean(told):.4f}")


@main.command()
@click.option("--searches", default=100, show_default=True)
def order(searches: int) -> None:
    from search.insights import importance

    for size in (16, 49, 200):
        for share in (0.1, 0.25, 1 / 3, 0.5):
            importance.TOP = share
            right = 0
            for search in made_up(size, searches, two_matter):
                found = raw(*asked(search))
                right += set(sorted(found, key=lambda name: -found[name])[:2]) == TRUE
            print(f"{size}, best {share:.2f}: both first in {right} of {searches}", flush=True)


@main.command()
@click.option("--configurations", default=1000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="ModelCache if given.")
def show(configurations: int, folder: Path | None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        results = folder or Path(temporary)
        run = made_up_run(results / "made-up", configurations)
        print(f"{configurations} configurations, {len(list(run.trials.glob('*.json')))} trials")
        for what in ("cold", "kept", "kept", "kept"):
            started = time.perf_counter()
            told = subprocess.run(
                [*TUNE, "show", "--results", str(results)], check=True, capture_output=True
            ).stdout.decode()
            print(f"tune show, {what}: {time.perf_counter() - started:.2f} s")
        print(told)


if __name__ == "__main__":
    main()
