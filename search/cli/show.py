"""Commands that show: `show`, `list`, `tensorboard`."""

from pathlib import Path
from typing import Any

import click

from search.cli.options import AS_JSON, RESULTS, console_progress, print_json


@click.command()
@click.argument("run", required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Rows.")
@RESULTS
@AS_JSON
def show(run: str | None, limit: int, results: Path, as_json: bool) -> None:
    """Show the configurations of RUN (default: the newest), best first.

    Example: tune show --json
    """
    from search.report.summary import run_report
    from search.run_folder.paths import find_run

    report = run_report(find_run(results, run))
    if as_json:
        print_json(report)
    else:
        print_report(report, limit=limit)


def print_report(report: dict[str, Any], *, limit: int) -> None:
    """A report as people read it, on stdout."""
    from rich.console import Console

    from search.report.summary import run_table

    console = Console(highlight=False)
    console.print(
        f"[bold]{report['run']}[/]: {report['algo']}, {report['finished']} trials finished, "
        f"{report['data']['pictures']:,} images of {len(report['data']['labels'])} classes"
    )
    console.print(run_table(report, limit=limit), soft_wrap=not console.is_terminal)
    hidden = len(report["configurations"]) - limit
    if hidden > 0:
        console.print(f"and {hidden} more")
    for sentence in report["learnt"]["words"]:
        console.print(sentence, soft_wrap=True, markup=False)
    exported = report["exported"]
    if verdict := (exported or {}).get("verdict") or report["verdict"]:
        console.print(verdict, soft_wrap=True)
    if exported:
        low, high = exported["accuracy_interval"]
        opened = exported["lock_box_opened"]
        then = exported.get("trials", report["finished"])
        when = (
            "" if then == report["finished"] else f" after {then} trial{'' if then == 1 else 's'}"
        )
        console.print(
            f"exported{when}: {exported['summary']}, accuracy {exported['accuracy']:.4f} on "
            f"{exported['pictures']:,} test images (95 % interval {low:.4f} to {high:.4f}; "
            f"looked at {'once' if opened == 1 else f'{opened} times'})",
            soft_wrap=True,
            markup=False,
        )


@click.command("list")
@RESULTS
@AS_JSON
def list_(results: Path, as_json: bool) -> None:
    """List all runs, newest first.

    Example: tune list
    """
    from search.report.summary import list_runs

    rows = list_runs(results)
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(f"{results}/: no runs here; start one with: tune run DATA", err=True)
    for row in rows:
        best = "–" if row["best"] is None else f"{row['best']:.4f}"
        exported = ", exported" if row["exported"] else ""
        click.echo(
            f"{row['run']}  {row['algo']}  {row['finished']} trials  "
            f"{row['objective']} {best}{exported}"
        )


@click.command()
@click.argument("run", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=6006,
    show_default=True,
    help="Port on localhost; 0 takes any free one.",
)
@RESULTS
def tensorboard(run: str | None, port: int, results: Path) -> None:
    """Look at RUN (default: the newest) in TensorBoard, on this machine only.

    Example: tune tensorboard
    """
    from search.cli.tensorboard_server import serve
    from search.run_folder.paths import find_run

    serve(find_run(results, run), port=port, progress=console_progress())


COMMANDS = (show, list_, tensorboard)
