"""Arguments that name runs and models; a shell that is set up for it completes their names."""

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
