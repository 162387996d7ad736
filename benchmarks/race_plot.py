"""Draw a race: accuracy on unseen photos after each time, for each side."""

import statistics

COLOURS = {
    "tune": "#1f6f8b",
    "kerastuner": "#b5542b",
    "optuna": "#6b5b95",
    "ray": "#7a8b2f",
    "autokeras": "#8c6d46",
}
NAMES = {
    "tune": "tune",
    "kerastuner": "KerasTuner",
    "optuna": "Optuna",
    "ray": "Ray Tune",
    "autokeras": "AutoKeras",
}
INK = "#333333"


def draw(table, path):
    """Lines through the means, a dot for each seed; `table` as `race.table` makes it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5), dpi=100, layout="constrained")
    minutes = [float(name) for name in table]
    sides = dict.fromkeys(side for row in table.values() for side in row)
    ends = []
    for side in sides:
        known = [
            (when, [value for value in row.get(side, []) if value is not None])
            for when, row in zip(minutes, table.values(), strict=True)
        ]
        known = [(when, values) for when, values in known if values]
        if not known:
            continue
        colour, width = COLOURS[side], 3 if side == "tune" else 1.8
        means = [(when, statistics.mean(values)) for when, values in known]
        axes.plot(*zip(*means, strict=True), color=colour, lw=width, marker="o")
        for when, values in known:
            axes.plot([when] * len(values), values, ".", color=colour, alpha=0.6)
        ends.append((means[-1], side))
    _name(axes, ends)
    axes.set_xscale("log")
    axes.set_xticks(minutes, [f"{when:g} min" for when in minutes])
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    axes.set_xlim(right=max(minutes) * 1.6)
    axes.set_title("Accuracy on unseen photos", loc="left", color=INK, fontweight="bold")
    axes.tick_params(labelsize=12, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", lw=0.8)
    figure.savefig(path)
    plt.close(figure)


def _name(axes, ends):
    """Write each side's name at the end of its line, those too near one another apart."""
    low, high = axes.get_ylim()
    step, below = (high - low) / 18, None
    for (when, value), side in sorted(ends, key=lambda end: end[0][1]):
        place = value if below is None else max(value, below + step)
        below = place
        axes.annotate(
            NAMES[side],
            (when, value),
            xytext=(when * 1.08, place),
            va="center",
            color=COLOURS[side],
            fontsize=13,
            fontweight="bold" if side == "tune" else "normal",
        )
