"""Write the model card: what a model is and can do, as README.md in Hugging Face's form.

https://huggingface.co/docs/hub/model-cards: a YAML head that machines read, then Markdown.
"""

import json
import platform
from importlib import import_module
from pathlib import Path

from data_pipeline.atomic_files import write_bytes
from search.evaluation.classes import class_figures, doubts
from search.export.card_files import files, use
from search.export.markdown import table, text
from search.process.printable import printable
from search.process.wording import counted, in_percent
from search.run_folder.command_line import command, export_command
from search.run_folder.data_summary import DataSummary
from search.run_folder.exported.figures import figures
from search.run_folder.exported.metrics import Metrics
from search.trial.experiment import Experiment

_PACKAGES = ("tensorflow", "keras", "keras_tuner", "numpy")


def write_card(path: Path, experiment: Experiment, metrics: Metrics) -> None:
    """Write the card of an export.

    Args:
        path: the file.
        experiment: the run.
        metrics: of the export.
    """
    data = DataSummary.load(experiment.run)
    parts = [
        _head(experiment, metrics, data),
        _summary(experiment, metrics, data),
        _results(metrics),
        _limits(experiment, metrics, data),
        use(experiment, metrics),
        files(metrics),
        _data(data),
        _making(experiment, metrics),
    ]
    # Paths in the command may hold bytes that are no UTF-8: they must not fail the export.
    write_bytes(path, "\n\n".join(parts).encode("utf-8", "replace") + b"\n")


def _head(experiment: Experiment, metrics: Metrics, data: DataSummary) -> str:
    dataset = {"type": "imagefolder", "name": printable(Path(data.root).name)}
    values = [
        {"type": "accuracy", "value": round(metrics.accuracy, 4)},
        {"type": "roc_auc", "value": round(metrics.auc, 4)},
    ]
    task = {"type": "image-classification"}
    result = {"task": task, "dataset": dataset, "metrics": values}
    # JSON is YAML, and its quoting leaves no name of a folder that could break out of it.
    lines = {
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "keras", "tensorflow"],
        "metrics": ["accuracy", "roc_auc"],
        "model-index": [{"name": experiment.run.name, "results": [result]}],
    }
    body = "\n".join(f"{name}: {json.dumps(value)}" for name, value in lines.items())
    return f"---\n{body}\n---"


def _summary(experiment: Experiment, metrics: Metrics, data: DataSummary) -> str:
    low, high = metrics.accuracy_interval
    names = ", ".join(text(label) for label in experiment.class_names)
    height, width = metrics.image_size
    return (
        f"# {text(experiment.run.name)}\n\n"
        f"Tells {experiment.num_classes} classes of images apart: {names}. Found by a search "
        f"over {text(', '.join(experiment.config.families))} models on "
        f"{data.images:,} labelled images; works at {height}×{width} pixels and has "
        f"{metrics.parameters:,} weights.\n\n"
        f"**{in_percent(metrics.accuracy)} right** on {metrics.images:,} images that the search "
        f"never saw (95 % interval {in_percent(low)} to {in_percent(high)}; always saying the "
        f"largest class: {in_percent(metrics.majority_class_accuracy)})."
        f"{''.join(_doubts(metrics))}"
    )


def _doubts(metrics: Metrics) -> list[str]:
    """Sentences about what it is of no use for, each as a paragraph."""
    names = [text(label) for label in metrics.class_names]
    return [f"\n\n**Careful:** {each}." for each in doubts(metrics.confusion_matrix, names)]


def _results(metrics: Metrics) -> str:
    opened = metrics.test_set_opened
    times = "once" if opened == 1 else f"{opened} times, so these figures flatter a little"
    parts = [
        f"## Results\n\nThe test images were looked at {times}.",
        table(("", "on the test images"), figures(metrics)),
        table(
            ("class", "images", "recall (95 %)", "precision (95 %)"),
            [
                (
                    text(each.name),
                    f"{each.images:,}",
                    _share(each.recall, each.recall_interval),
                    _share(each.precision, each.precision_interval),
                )
                for each in class_figures(metrics.confusion_matrix, metrics.class_names)
            ],
        ),
        table(
            ("kind of image", "images", "accuracy", "95 % interval"),
            [
                (
                    row.name,
                    str(row.images),
                    in_percent(row.accuracy),
                    _interval(row.interval),
                )
                for row in metrics.slices
            ],
        ),
        "Dark, blurry and small are the darkest, blurriest and smallest tenth of the training "
        "images' range.",
    ]
    return "\n\n".join(parts)


def _share(share: float | None, interval: tuple[float, float]) -> str:
    """A share with its interval; a dash where there is nothing to take it of."""
    return "–" if share is None else f"{in_percent(share)} ({_interval(interval)})"


def _interval(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{in_percent(low)} to {in_percent(high)}"


def _limits(experiment: Experiment, metrics: Metrics, data: DataSummary) -> str:
    lines = [
        "It answers with one of its classes whatever it is shown: an image of something else "
        "gets one of them too.",
        "The figures hold for images like those it was tested on; from another camera, place "
        "or season they may be lower.",
    ]
    # Only where the whole interval lies below: small slices vary by chance.
    if weak := [row for row in metrics.slices if row.interval[1] < metrics.accuracy]:
        names = ", ".join(f"{row.name} ({in_percent(row.accuracy)})" for row in weak)
        lines.append(f"It is weaker on these images: {names}.")
    if metrics.images < 100:
        lines.append(f"It was tested on {metrics.images} images only; see the interval.")
    for leak in filter(lambda leak: leak.images, data.leaks or ()):
        lines.append(
            f"{leak.images} of its {leak.split} images ({in_percent(leak.share)}) are "
            f"{leak.copies}: the figures flatter."
        )
    if data.dealt_apart:
        lines.append(
            f"{data.dealt_apart:,} images are of groups of near-copies, as the frames of a video "
            "are, that were too large for one split: the figures flatter."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _data(data: DataSummary) -> str:
    sizes = ", ".join(f"{count:,} {name}" for name, count in vars(data.splits).items())
    splits = "Copies and near-copies of an image were kept in one split."
    if data.given or data.leaks:
        splits = "The data set gave these splits, or some of them."
    elif data.dealt_apart:
        splits = "Copies and near-copies were kept in one split, but for those of large groups."
    return (
        "## Data\n\n"
        f"Folder {text(Path(data.root).name)}: {data.images:,} usable images "
        f"({sizes}); {data.set_aside:,} files were set aside as bad. {splits} The model was "
        "trained on the training and validation images together."
    )


def _making(experiment: Experiment, metrics: Metrics) -> str:
    settings = table(
        ("setting", "value"),
        [(f"`{name}`", f"`{value}`") for name, value in sorted(metrics.configuration.items())],
    )
    # Of the packages that decide the numbers; the others can be had in any version.
    versions = ", ".join(f"{name} {import_module(name).__version__}" for name in _PACKAGES)
    verdict = f"\n\n{text(metrics.verdict)}" if metrics.verdict else ""
    commands = f"{command(experiment.config)}\n{export_command(metrics, experiment.config)}"
    return (
        f"## Making\n\n{text(metrics.summary)}, "
        f"{counted(metrics.epochs, 'epoch')}.{verdict}\n\n{settings}\n\n"
        f"```sh\n{commands}\n```\n\n"
        f"Python {platform.python_version()}, {versions}."
    )
