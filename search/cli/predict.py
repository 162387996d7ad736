"""The commands on exported models: `predict`, `evaluate`."""

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search import api
from search.cli.options.arguments import CODE, MODEL
from search.cli.options.data import data_options
from search.cli.options.folders import CACHE, DATA
from search.cli.options.output import AS_JSON, console_progress
from search.cli.printing.export import print_evaluation
from search.cli.printing.out import echo, print_json, print_json_list
from search.process.printable import cell
from search.process.wording import counted
from search.runs.find import exported_at

if TYPE_CHECKING:
    from search.inference.classifier import Prediction
    from search.inference.sorted_copies import SortedCopies


@click.command()
@MODEL
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print CSV: path, label, probability:CLASS for each class, unsure, error, and with "
    "--check unlike.",
)
@click.option(
    "--copy-to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy the photos into this folder, each into one of the class that it is given, or into "
    '"unsure".  [default: nothing is copied]',
)
@click.option(
    "--check",
    "checks",
    is_flag=True,
    help="Say which photos are unlike the training images of MODEL's run, and whether all of them "
    "together differ from its test images.",
)
@CODE
@AS_JSON
def predict_command(
    model: str,
    paths: tuple[Path, ...],
    as_csv: bool,
    copy_to: Path | None,
    checks: bool,
    as_json: bool,
) -> None:
    """Say what MODEL sees in PATHS, files or folders; - for paths on standard input.

    MODEL is a run, an exported folder, its .keras, .tflite or .onnx file, or imagenet:BACKBONE
    for an ImageNet classifier. The exit status is 1 where no file could be read.

    Example: tune predict results/cats/export photo.jpg
    """
    from data_pipeline.pixels.reading import get_ready
    from search.inference.classifier import input_files
    from search.inference.sorted_copies import SortedCopies

    # What is not there is said before TensorFlow is loaded, which takes seconds.
    files = input_files(tuple(_from_input(paths)))
    exported = api.Exported(Path(exported_at(model)))
    if checks:
        exported.run_folder()
    get_ready()  # while TensorFlow is imported and the model loaded
    classifier = exported.classifier
    readable = _Readable(SortedCopies(copy_to, classifier.class_names) if copy_to else None)
    check = exported.check(progress=console_progress()) if checks else None
    answers = check.noted(check.classifier.predict(files)) if check else classifier.predict(files)
    predictions = readable.counted(answers)
    if as_json:
        print_json_list(prediction.row() for prediction in predictions)
    elif as_csv:
        _print_csv(predictions, classifier.class_names, checked=checks)
    else:
        for prediction in predictions:
            echo(prediction.line())
    for sentence in check.result().in_words() if check else ():
        echo(sentence, err=True)
    if readable.copies:
        echo(f"copied {counted(readable.copies.count, 'photo')} into {copy_to}", err=True)
    if not readable.count:
        raise click.exceptions.Exit(1)


def _from_input(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths, in place of "-" those on standard input, a line each."""
    for path in paths:
        if str(path) == "-":
            # As bytes: a name on the disk need not be UTF-8.
            lines = (line.rstrip(b"\n") for line in sys.stdin.buffer)
            yield from (Path(os.fsdecode(line)) for line in lines if line.strip())
        else:
            yield path


class _Readable:
    """Counts the predictions that pass by, those of unreadable files left out; copies photos."""

    def __init__(self, copies: "SortedCopies | None") -> None:
        self.count, self.copies = 0, copies

    def counted(self, predictions: "Iterable[Prediction]") -> "Iterator[Prediction]":
        for prediction in predictions:
            self.count += not prediction.error
            if self.copies:
                self.copies.add(prediction)
            yield prediction


@click.command()
@MODEL
@click.argument("data", type=DATA)
@data_options
@CACHE
@CODE
@AS_JSON
def evaluate_command(
    model: str, data: Path, cache_dir: Path | None, as_json: bool, **reading: Any
) -> None:
    """Measure MODEL on the labelled images of DATA: accuracy, interval, AUC, confusion matrix.

    Example: tune evaluate results/cats/export more-photos/
    """
    reading |= {"cache_dir": cache_dir, "progress": console_progress()}
    evaluation = api.Exported(Path(exported_at(model))).evaluate(data, **reading)
    if as_json:
        print_json(evaluation)
    else:
        print_evaluation(evaluation)


def _print_csv(predictions: Any, class_names: tuple[str, ...], *, checked: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    # A class may be called as one of the other columns is.
    shares_of = [cell(f"probability:{name}") for name in class_names]
    unlike_column = ["unlike"] if checked else []
    writer.writerow(["path", "label", *shares_of, "unsure", "error", *unlike_column])
    for prediction in predictions:
        row = prediction.row()
        shares = [prediction.probabilities.get(label, "") for label in class_names]
        unsure, error = "unsure" if prediction.unsure else "", cell(prediction.error)
        unlike = ["unlike" if prediction.unlike else ""] if checked else []
        label = cell(row["label"] or "")
        writer.writerow([cell(row["path"]), label, *shares, unsure, error, *unlike])


COMMANDS = (predict_command, evaluate_command)
