"""What names runs, models and pages; a shell that is set up for it completes names of runs."""

from pathlib import Path

import click

from search.run_folder.paths import DEFAULT_RESULTS


def run_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The runs in the folder of results whose names begin so, the newest first."""
    from search.runs.find import runs

    results = Path(context.params.get("results") or DEFAULT_RESULTS)
    return [run.name for run in runs(results) if run.name.startswith(incomplete)]


RUN = click.argument("run", required=False, shell_complete=run_names)
RUNS = click.argument("runs", nargs=-1, required=True, shell_complete=run_names)
MODEL = click.argument("model", shell_complete=run_names)


def _load_code(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        from models.families.own.loading import load_code
        from search.process.quiet import import_tensorflow

        import_tensorflow()
        load_code(value)


CODE = click.option(
    "--code",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_load_code,
    expose_value=False,
    help="Python file that defines layers of MODEL; it is run.  [default: layers of Keras alone]",
)
PORT = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of the page on localhost; 0 takes any free one.",
)
