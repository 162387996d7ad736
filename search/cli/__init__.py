"""The command line `tune`: each command parses, calls one function and prints the result."""

import io
import sys
import traceback
import warnings
from difflib import get_close_matches
from importlib import import_module
from typing import TextIO

import click

from data_pipeline.errors import DataError
from data_pipeline.processes.leave import LeaveAtOnce
from data_pipeline.processes.spared_imports import mark_own_process
from models.errors import ModelError
from search.cli.printing.out import echo
from search.errors import TuneError
from search.process.stop_signal import SAID

INTERRUPTED = 130
# The module of each command. Only that of the command which is called is imported: the options
# of `run` and `export-best` come from tables that would cost `tune show` a sixth of its time.
_MODULES = {
    "cache": "upkeep",
    "clean": "data",
    "compare": "compare",
    "demo": "data",
    "doctor": "upkeep",
    "evaluate": "predict",
    "export-best": "export",
    "labels": "labels",
    "list": "show",
    "predict": "predict",
    "presets": "train",
    "report": "report",
    "restore": "data",
    "rm": "upkeep",
    "run": "run",
    "serve": "serve",
    "show": "show",
    "tensorboard": "show",
    "train": "train",
    "update": "update",
}


# For the list of commands, which is printed without importing any of them.
_IN_SHORT = {
    "cache": "Say what is kept for later runs, or clear it.",
    "clean": "Check a folder of images: bad files, copies, leaks.",
    "compare": "Compare runs side by side.",
    "demo": "Draw a small set of labelled images to try things on.",
    "doctor": "Look at this machine, and what is missing for what.",
    "evaluate": "Measure an exported model on labelled images.",
    "export-best": "Retrain the best, test it once, write it as a file.",
    "labels": "List the images whose labels are likely wrong.",
    "list": "List all runs.",
    "predict": "Classify images with an exported model.",
    "presets": "List published configurations.",
    "report": "Write what a run has found as one HTML file.",
    "restore": "Put back the files that clean has set aside.",
    "rm": "Delete runs.",
    "run": "Search for the best classifier.",
    "serve": "Try a model on a page of this machine.",
    "show": "Show what a run has found.",
    "tensorboard": "Look at a run in TensorBoard.",
    "train": "Train one published configuration.",
    "update": "Search again with more images, and compare.",
}


class Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context | None) -> list[str]:
        """Their names, in the order of the help."""
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context | None, cmd_name: str) -> click.Command | None:
        """One of them, or None where there is none of that name."""
        return self.load(cmd_name) if cmd_name in _MODULES else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Look a command up; of a name that there is not say which one is like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if not (like := get_close_matches(args[0], _MODULES, n=1)):
                raise
            message = f"{error.message} Did you mean {like[0]!r}?"
            raise click.UsageError(message, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with what it does in a few words."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _IN_SHORT[name]) for name in self.list_commands(ctx)])

    @staticmethod
    def load(name: str) -> click.Command:
        """Import the command of that name."""
        commands = import_module(f"search.cli.{_MODULES[name]}").COMMANDS
        return next(command for command in commands if command.name == name)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(None, "-V", "--version", package_name="image-tune", prog_name="tune")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def tune(debug: bool) -> None:
    """Find, train and export the best image classifier for a folder of labelled photos.

    \b
    tune run photos/          search over models and how to train them
    tune show                 see what it found
    tune export-best          retrain the winner, test it once, write it as a file
    tune predict RUN x.jpg    ask what it is
    """  # noqa: D301 - click takes the backspace itself for "leave these lines alone"


def console() -> None:
    """Run `tune` as the program of this process, which then ends at once; see `main`."""
    process = LeaveAtOnce()
    mark_own_process()
    try:
        main()
    except SystemExit as ended:
        process.status = ended.code if isinstance(ended.code, int) else None
        raise


def main() -> None:
    """Run `tune`; exit 0 done, 1 failed, 2 misused, 130 interrupted."""
    # A file name on Linux may hold any bytes; this error handler writes them out unchanged, where
    # the default one would end the program.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")
    warnings.showwarning = _warn
    sys.exit(_run(sys.argv[1:]))


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print warnings of ours in one line; those of libraries are for their developers."""
    if category is UserWarning:
        echo(f"warning: {message}", err=True)


def _run(arguments: list[str]) -> int:
    try:
        # Not standalone: click would print errors and exit by itself, with its own exit status.
        status = tune.main(arguments, prog_name="tune", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        if SAID not in (error.__cause__ or error).args:
            echo("interrupted", err=True)
        return INTERRUPTED
    except (TuneError, DataError, ModelError, OSError) as error:
        if "--debug" in arguments:
            traceback.print_exc()
        echo(f"error: {error}", err=True)
        return 1
    return status if isinstance(status, int) else 0
