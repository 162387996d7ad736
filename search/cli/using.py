"""Commands on the winner: `export-best`, `predict`, `evaluate`."""

import csv
import sys
from pathlib import Path
from typing import Any

import click

from search.cli.options import (
    AS_JSON,
    CACHE,
    FOLDER,
    RESULTS,
    cache_folder,
    console,
    print_json,
    print_json_list,
)
from search.naming import shown
from search.quiet import import_tensorflow


@click.command("export-best")
@click.argument("run", required=False)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["saved_model", "litert", "onnx"]),
    multiple=True,
    help="Write this form besides model.keras; may be given several times.",
)
@RESULTS
@AS_JSON
def export_best(run: str | None, formats: tuple[str, ...], results: Path, as_json: bool) -> None:
    """Retrain the best configuration of RUN (default: the newest), test it once, export it.

    Example: tune export-best --format saved_model --format onnx
    """
    from search.interrupt import Going
    from search.store import find_run

    chosen = find_run(results, run)
    import_tensorflow()
    from search.export import export_best as export

    with Going() as going:
        metrics = export(chosen, formats=formats, going=going, console=console())
    if as_json:
        print_json(metrics)
        return
    _print_metrics(metrics)
    for path in metrics["files"]:
        click.echo(f"wrote {path}")
    click.echo(f"next: tune predict {chosen.export} PHOTO", err=True)


@click.command()
@click.argument("model")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: path, label, one column a class.")
@AS_JSON
def predict(model: str, paths: tuple[Path, ...], as_csv: bool, as_json: bool) -> None:
    """Say what MODEL sees in PATHS, files or folders.

    MODEL is an exported folder or .keras file, or imagenet:BACKBONE for an ImageNet classifier.

    Example: tune predict results/cats/export photo.jpg
    """
    from data_pipeline.reading import get_ready

    get_ready()  # while TensorFlow is imported and the model loaded
    import_tensorflow()
    from search.predict import load_classifier, pictures_in

    files = pictures_in(paths)
    classifier = load_classifier(model)
    predictions = classifier.predict(files)
    if as_json:
        print_json_list(prediction.row() for prediction in predictions)
    elif as_csv:
        _print_csv(predictions, classifier.labels)
    else:
        for prediction in predictions:
            click.echo(prediction.line())


@click.command()
@click.argument("model")
@click.argument("data", type=FOLDER)
@CACHE
@AS_JSON
def evaluate(model: str, data: Path, cache_dir: Path | None, as_json: bool) -> None:
    """Measure MODEL on the labelled pictures of DATA: accuracy, interval, AUC, confusion matrix.

    Example: tune evaluate results/cats/export more-photos/
    """
    import_tensorflow()
    from search.predict import evaluate_folder, load_classifier
    from search.watch import watch_files

    classifier = load_classifier(model)
    with watch_files(console(), "checking and preparing pictures") as progress:
        metrics = evaluate_folder(
            classifier, data, cache_dir=cache_folder(cache_dir), progress=progress
        )
    if as_json:
        print_json(metrics)
    else:
        _print_metrics(metrics)


def _print_csv(predictions: Any, labels: tuple[str, ...]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path", "label", *labels, "error"])
    for prediction in predictions:
        row = prediction.row()
        shares = [prediction.probabilities.get(label, "") for label in labels]
        writer.writerow([row["path"], row["label"] or "", *shares, prediction.error])


def _print_metrics(metrics: dict[str, Any]) -> None:
    low, high = metrics["accuracy_interval"]
    click.echo(
        f"accuracy {metrics['accuracy']:.4f} on {metrics['pictures']:,} pictures "
        f"(95 % interval {low:.4f} to {high:.4f}; always the largest class: "
        f"{metrics['majority_class_accuracy']:.4f}), AUC {metrics['auc']:.4f}"
    )
    if metrics.get("lock_box_opened", 1) > 1:
        click.echo(f"the test pictures were looked at {metrics['lock_box_opened']} times")
    labels = [shown(label) for label in metrics["labels"]]
    width = max(len(label) for label in labels)
    click.echo("true class, and what was predicted:")
    for label, row in zip(labels, metrics["confusion_matrix"], strict=True):
        counts = "  ".join(
            f"{other} {count}" for other, count in zip(labels, row, strict=True) if count
        )
        click.echo(f"  {label:<{width}}  {counts}")


COMMANDS = (export_best, predict, evaluate)
