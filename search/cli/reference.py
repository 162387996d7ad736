"""Write the command reference of README.md from the program's own help.

`python -m search.cli.reference README.md` rewrites the part between the two markers.
"""

import sys
from pathlib import Path

import click

from search.cli import tune

BEGIN = "<!-- reference: written by `make docs` -->"
END = "<!-- end of reference -->"
_WIDTH = 100


def reference() -> str:
    """Return the help of every command, as Markdown."""
    parts = []
    for name in tune.list_commands(None):
        command = tune.load(name)
        # With the settings of the whole program; click keeps them apart from a single command.
        context = click.Context(
            command, info_name=f"tune {name}", terminal_width=_WIDTH, **tune.context_settings
        )
        parts.append(f"### tune {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def rewritten(readme: str) -> str:
    """Return the README with its reference replaced.

    Raises:
        ValueError: a marker is missing.
    """
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(rewritten(path.read_text()))
