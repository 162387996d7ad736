"""The commands that look after what is there: `rm`, `cache`, `doctor`."""

from functools import partial
from pathlib import Path

import click

from search.cli.options.arguments import RUNS
from search.cli.options.folders import CACHE, RESULTS
from search.cli.options.output import AS_JSON, console_progress
from search.cli.printing.out import echo, print_json
from search.errors import TuneError
from search.process.cache_use import cache_folder
from search.process.wording import counted, megabytes
from search.run_folder.paths import RunFolder

YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command()
@RUNS
@YES
@RESULTS
def rm_command(runs: tuple[str, ...], yes: bool, results: Path) -> None:
    """Delete RUNS with their trials, exports and reports.

    Images, and what is kept of them for other runs, stay.

    Example: tune rm cats-20261126-194000
    """
    from search.process.machine.disk import used_bytes
    from search.runs.lock import EXPORT, SEARCH, is_locked
    from search.runs.remove import remove

    # Looked up before anything is deleted: a name that is wrong deletes nothing.
    found = {run.path.resolve(): run for run in (_to_delete(results, name) for name in runs)}
    for run in found.values():
        for lock, who in ((SEARCH, "a search"), (EXPORT, "an export")):
            if is_locked(run, lock):
                raise TuneError(f"{run.name}: {who} works on this run; wait for it to end")
        echo(f"{run.path}  {megabytes(used_bytes(run.path))}", err=True)
    if not yes:
        click.confirm("delete them?" if len(found) > 1 else "delete it?", abort=True, err=True)
    for run in found.values():
        remove(run)
        echo(f"deleted {run.name}")


def _to_delete(results: Path, name: str) -> RunFolder:
    """The run of that name, or in that folder; not the one that holds that export.

    Raises:
        TuneError: there is no such run, or it is the export of one that is named.
    """
    from search.runs.find import find_run

    run = find_run(results, name)
    if run.export.exists() and Path(name).resolve() == run.export.resolve():
        raise TuneError(
            f"{name}: is the export of {run.name}; "
            f"delete the whole run with 'tune rm {run.argument}'"
        )
    return run


@click.command()
@click.option("--clear", is_flag=True, help="Delete all of it; the next run makes it again.")
@YES
@CACHE
@AS_JSON
def cache_command(clear: bool, yes: bool, cache_dir: Path | None, as_json: bool) -> None:
    """Say where checked, prepared and computed things are kept, and how large they are.

    Example: tune cache --clear
    """
    from search.process.cache_use import clear_cache, use_of

    folder = cache_folder(cache_dir)
    use = use_of(folder)
    if as_json:
        print_json(use)
    else:
        echo(str(folder))
        for row in use.rows:
            echo(f"  {megabytes(row.bytes):>12}  {row.what} ({counted(row.files, 'file')})")
    if not clear:
        return
    if not yes:
        click.confirm("delete all of it?", abort=True, err=True)
    clear_cache(folder)
    echo(f"deleted {megabytes(sum(row.bytes for row in use.rows))}", err=True)


@click.command()
@RESULTS
@CACHE
@AS_JSON
def doctor_command(results: Path, cache_dir: Path | None, as_json: bool) -> None:
    """Look at this machine: versions, GPUs, memory, disks, weights, and what is missing for what.

    Example: tune doctor
    """
    from search.tuning.doctor import examine

    findings = examine(results, partial(cache_folder, cache_dir), console_progress())
    if as_json:
        print_json(findings)
        return
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        mark = "  " if finding.fine else "! "
        echo(f"{mark}{finding.what:{width}}  {finding.found}")


COMMANDS = (rm_command, cache_command, doctor_command)
