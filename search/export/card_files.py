"""Write what a model card says of the files: how they are used, what they cost."""

from models.families.own.loading import files_of_layers
from search.export.card_code import READ_AND_PREDICT
from search.export.markdown import table
from search.formats.registry import by_option
from search.process.wording import in_percent, megabytes
from search.run_folder.exported.metrics import Metrics
from search.trial.experiment import Experiment


def use(experiment: Experiment, metrics: Metrics) -> str:
    """Say how the model is loaded and what its files take."""
    height, width = metrics.image_size
    mode = experiment.config.resize_mode
    shape = "" if mode == "squeeze" else f"{mode}_to_aspect_ratio=True, "
    return (
        f"## Use\n\n```python\n{READ_AND_PREDICT}```\n\n{_own_layers()}"
        f"Resizing and scaling are part of the model. The {_fixed_size()} files take the same "
        f'pixels already resized: `keras.layers.Resizing({height}, {width}, "bilinear", '
        f"{shape}antialias=True)`, rounded, float32, 0 to 255, "
        f"[1, {height}, {width}, 3]."
    )


def _own_layers() -> str:
    """Say what defines layers that Keras does not have; "" where there are none."""
    names = ", ".join(f"`{file.name}`" for file in files_of_layers())
    if not names:
        return ""
    return (
        f"It holds layers that {names} in the folder `families` of the run defines: give the file "
        "to `tune predict` as `--code`, or its classes to `load_model` as `custom_objects`.\n\n"
    )


def _fixed_size() -> str:
    """Name the formats that take images already resized: `LiteRT and ONNX`."""
    return " and ".join(row.title for row in by_option("--format") if row.fixed_size)


def files(metrics: Metrics) -> str:
    """Say what each file costs, and how far it is from the model."""
    rows = [
        (
            f"`{row.file}`",
            megabytes(row.size),
            f"{row.latency_median * 1e3:.1f} ms",
            f"{row.latency_p95 * 1e3:.1f} ms",
            megabytes(row.peak_memory),
            f"{row.largest_difference:.1e}",
            in_percent(row.agreement),
        )
        for row in metrics.parity
    ]
    titles = ("file", "size", "per image", "95th percentile", "memory", "differs by", "same label")
    said = [row.on_test_images(metrics.accuracy) for row in metrics.parity]
    said += [f"Measured on a busy machine: {metrics.busy}"] if metrics.busy else []
    lines = "".join(f"\n\n{sentence}." for sentence in said if sentence)
    return (
        "## Files\n\nEach was loaded by its own runtime on the processor of the machine that made "
        "it, and compared with the trained model on the same images.\n\n"
        f"{table(titles, rows)}{lines}"
    )
