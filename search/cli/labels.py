"""The command `labels`: whether the labels of images can be trusted."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from search.cli.options.arguments import PORT, RUN
from search.cli.options.folders import RESULTS
from search.cli.options.output import AS_JSON, console_progress
from search.cli.printing.out import echo, print_json
from search.process.printable import printable, shell_word
from search.process.quiet import import_tensorflow
from search.process.wording import in_percent

if TYPE_CHECKING:
    from search.label_errors.suspect_rows import SuspectReport
    from search.run_folder.config import RunConfig
    from search.run_folder.paths import RunFolder


@click.command()
@RUN
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Suspects listed at most.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 20),
    default=5,
    show_default=True,
    help="Parts of the images, each judged by models trained on the others.",
)
@click.option(
    "--serve",
    "served",
    is_flag=True,
    help="Then decide about them on a page of this machine: keep, correct, set aside.",
)
@PORT
@click.option(
    "--corrections",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for what is decided, which 'tune run --corrections' takes.  "
    "[default: labels/corrections.csv in the run's folder]",
)
@RESULTS
@AS_JSON
def labels_command(
    run: str | None,
    limit: int,
    folds: int,
    served: bool,
    port: int,
    file: Path | None,
    results: Path,
    as_json: bool,
) -> None:
    """List the images of RUN (default: the newest) whose labels are likeliest wrong.

    Nothing is changed. A page with the images is written into the run's folder.

    Example: tune labels --limit 50 --serve
    """
    from search.process.stop_signal import StopSignal
    from search.runs.find import find_run

    given = click.get_current_context().get_parameter_source
    for name, option in (("port", "--port"), ("file", "--corrections")):
        if given(name) == ParameterSource.COMMANDLINE and not served:
            raise click.UsageError(f"{option} goes with --serve alone")
    # A wrong name of a run is refused before TensorFlow is loaded, which takes seconds.
    chosen = find_run(results, run)
    import_tensorflow()
    from search.label_errors.suspects import find_suspects

    target = file or chosen.label_errors / "corrections.csv"
    with _page_of(chosen, target, port) if served else nullcontext() as listener:
        with StopSignal() as stop:
            report = find_suspects(
                chosen, limit=limit, folds=folds, stop=stop, progress=console_progress()
            )
        if as_json:
            print_json(report)
        elif served:
            for line in _written(report):
                echo(line, err=True)
        else:
            print_suspects(report)
        if listener is not None:
            _serve(chosen, report, target, listener)


@contextmanager
def _page_of(run: "RunFolder", file: Path, port: int) -> Iterator[socket]:
    """Open the port, and read what is needed later: to find the suspects takes minutes."""
    from data_pipeline.listing.corrections import read_corrections
    from search.run_folder.config import RunConfig
    from search.serve.server import listening

    with listening(port) as listener:
        if file.exists():
            read_corrections(file)
        if earlier := RunConfig.load(run).corrections:
            read_corrections(Path(earlier))
        yield listener


def _serve(run: "RunFolder", report: "SuspectReport", file: Path, listener: socket) -> None:
    """Let the user decide about the suspects."""
    from data_pipeline.listing.corrections import read_corrections
    from search.label_errors.suspects import pictures
    from search.run_folder.config import RunConfig
    from search.run_folder.data_summary import DataSummary
    from search.serve.decisions import Question
    from search.serve.labels_app import serve_labels

    begun_with = RunConfig.load(run)
    listed = _labels_as_listed(begun_with) if begun_with.corrections else {}
    questions = [
        Question(
            path=row.path,
            label=row.given,
            listed=listed.get(row.path, row.given),
            likelier=row.suggested,
            shares=(row.probability_given, row.probability_suggested),
            split=row.split,
            image=image,
        )
        for row, image in zip(report.suspects, pictures(run, report.suspects), strict=True)
    ]
    corrections = begun_with.corrections
    serve_labels(
        report.run,
        questions,
        DataSummary.load(run).class_names,
        file=file,
        earlier=read_corrections(Path(corrections)) if corrections else {},
        following=_following(run, Path(report.root), file),
        listener=listener,
        progress=console_progress(),
    )


def _labels_as_listed(config: "RunConfig") -> dict[str, str]:
    """The labels that folders or a table give, of which corrections are corrections."""
    from data_pipeline.listing.sources import list_images

    listing = list_images(Path(config.data), replace(config.data_options, corrections=None))
    return {file.path: file.label for file in listing.files}


def _following(run: "RunFolder", data: Path, file: Path) -> str:
    """The command that applies corrections: an update of what is exported, else a new search."""
    from search.run_folder.command_line import data_options
    from search.run_folder.config import RunConfig

    corrections = f"--corrections {shell_word(file)}"
    if (run.export / "model.keras").exists():
        return f"tune update {run.argument} {corrections}"
    words = data_options(replace(RunConfig.load(run), corrections=None), whole=True)
    return " ".join(["tune run", shell_word(data), *map(shell_word, words), corrections])


def print_suspects(report: "SuspectReport") -> None:
    """Print the list, what to think of it and what to do, on stdout."""
    from rich.table import Table
    from rich.text import Text

    from search.label_errors.page import CAUTION, remedy, summary
    from search.process.console import SafeConsole

    out = SafeConsole(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    for name, side in (("label", "left"), ("", "right"), ("likelier", "left"), ("", "right")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    table.add_column("path", overflow="fold")
    for place, row in enumerate(report.suspects, start=1):
        table.add_row(
            str(place),
            Text(printable(row.given)),
            in_percent(row.probability_given),
            Text(printable(row.suggested)),
            in_percent(row.probability_suggested),
            Text(printable(row.path)),
        )
    if report.suspects:
        out.print_table(table)
    for line in (summary(report), CAUTION, remedy(report)):
        out.print(Text(line))
    for line in _written(report):
        echo(line)


def _written(report: "SuspectReport") -> list[str]:
    return [f"wrote {printable(path)}" for path in report.files]


COMMANDS = (labels_command,)
