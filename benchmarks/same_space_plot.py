"""Draw the image of a race: best validation accuracy so far against seconds, for each side."""

import statistics

COLOURS = {"stock": "#b5542b", "tune": "#1f6f8b"}
NAMES = {"stock": "KerasTuner alone", "tune": "tune"}
INK = "#333333"


def draw(race, path):
    """Step curves of every seed, their medians bold, a dot where stock's best is reached."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5), dpi=100, layout="constrained")
    middles = {}
    for side, colour in COLOURS.items():
        parts = [seed[side] for seed in race["seeds"].values() if seed.get(side, {}).get("curve")]
        for part in parts:
            curve = [*part["curve"], (part["search_seconds"], part["best"])]
            axes.step(*zip(*curve, strict=True), where="post", color=colour, lw=1, alpha=0.45)
        if middle := median_curve(parts):
            axes.step(*zip(*middle, strict=True), where="post", color=colour, lw=2.8)
            middles[side] = middle
    # The higher name above its line and the lower one below, where no other line ends.
    for place, side in enumerate(sorted(middles, key=lambda side: middles[side][-1][1])):
        axes.annotate(
            NAMES[side],
            middles[side][-1],
            xytext=(0, 10 if place else -10),
            textcoords="offset points",
            ha="right",
            va="bottom" if place else "top",
            color=COLOURS[side],
            fontsize=13,
            fontweight="bold",
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
        )
    mark(axes, race)
    label(axes, race, mpl.ticker)
    figure.savefig(path)
    plt.close(figure)


def median_curve(parts):
    """[(seconds, median)] from when all seeds have a first value."""
    times = sorted({when for part in parts for when, _ in part["curve"]})
    points = [(when, [best_at(part["curve"], when) for part in parts]) for when in times]
    known = [(when, statistics.median(bests)) for when, bests in points if None not in bests]
    if not known:
        return []
    end = statistics.median(part["search_seconds"] for part in parts)
    return [*known, (max(end, known[-1][0]), known[-1][1])]


def best_at(curve, seconds):
    """Best accuracy so far at this time; None before the first epoch's end."""
    return next((best for when, best in reversed(curve) if when <= seconds), None)


def mark(axes, race):
    """Dots where each side first has the best accuracy that stock finds with this seed."""
    for parts in race["seeds"].values():
        found = parts.get("comparison", {})
        for side, key in (("stock", "stock_to_its_best"), ("tune", "tune_to_stocks_best")):
            if found.get(key):
                goal = parts["stock"]["best"]
                dot = {"color": COLOURS[side], "markeredgecolor": "white", "markersize": 9}
                axes.plot(found[key], goal, "o", zorder=5, **dot)


def label(axes, race, ticker):
    """Title, what the dots are, and axes."""
    axes.set_title(
        "Best validation accuracy so far",
        loc="left",
        pad=44,
        fontsize=15,
        color=INK,
        fontweight="bold",
    )
    count = sum("comparison" in parts for parts in race["seeds"].values())
    text = "Dots: where each has the best that KerasTuner alone finds with the same seed"
    if race["median_ratio"]:
        seeds = f", median of {count} seeds" if count > 1 else ""
        text += f";\ntune gets there {race['median_ratio']:.1f} times as fast{seeds}"
    axes.text(0, 1.03, text, transform=axes.transAxes, fontsize=12, color=INK)
    axes.margins(y=0.1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
    axes.set_xlabel("seconds since the command was given", fontsize=12, color=INK)
    axes.tick_params(labelsize=12, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", lw=0.8)
