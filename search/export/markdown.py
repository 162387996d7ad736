"""Write parts of a Markdown text: tables, and names that cannot break out of it."""

import html
from collections.abc import Sequence

from search.process.printable import printable


def table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of Markdown, with these titles over its columns."""
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def text(name: str) -> str:
    """Escape a name of the user's: Markdown and HTML show it and do not obey it."""
    # Quotes stay: of `&#x27;` the next line would escape the `#`, and break it.
    escaped = html.escape(printable(name), quote=False)
    return "".join(f"\\{letter}" if letter in "\\`*_[]|#" else letter for letter in escaped)
