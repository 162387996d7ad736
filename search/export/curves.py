"""Draw the learning curves of an exported model as a PNG file."""

import io
from pathlib import Path

from data_pipeline.atomic_files import write_bytes
from search.run_folder.records import Logs


def write_curves(path: Path, searched: list[Logs], retrained: list[Logs], *, title: str) -> None:
    """Draw loss and accuracy by epoch as a PNG file.

    Args:
        path: the file.
        searched: training and validation in the search, all rungs of the configuration.
        retrained: training on both together, which leaves nothing to validate on.
        title: stands above.
    """
    from matplotlib.figure import Figure

    # Without pyplot, which keeps every figure until it is closed and looks for a display.
    figure = Figure(figsize=(9, 3.6), dpi=110, layout="constrained")
    figure.suptitle(title, fontsize=10)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for history, key, label, style in (
            (searched, name, "training", "-"),
            (searched, f"val_{name}", "validation", "-"),
            (retrained, name, "retraining", ":"),
        ):
            epochs = [logs["epoch"] + 1 for logs in history]
            axes.plot(epochs, [logs[key] for logs in history], style, marker=".", label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        # Epochs are whole numbers: of a few of them the axis would else show halves.
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
