"""The console that everything for people is printed on."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment
from rich.table import Table

from search.process.printable import visible

_WIDE = 10_000  # columns; a pipe has no width


class SafeConsole(Console):
    """rich's console, which shows the control characters of a text instead of obeying them.

    Names and reasons come from files of strangers. What rich itself writes to move the cursor or
    to set a colour is no part of any text.
    """

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        # All output passes here: rich has no public place for this.
        return super()._render_buffer(
            segment if segment.control else segment._replace(text=visible(segment.text))
            for segment in buffer
        )

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """As rich does; lines are wrapped between words on a terminal, and nowhere else."""
        soft_wrap = not self.is_terminal if soft_wrap is None else soft_wrap
        super().print(*objects, soft_wrap=soft_wrap, **options)

    def print_table(self, table: Table) -> None:
        """Print a table: on a terminal in its width, elsewhere each row as one line."""
        if self.is_terminal:
            self.print(table)
            return
        options = self.options.update(max_width=_WIDE)
        for line in self.render_lines(table, options, pad=False):
            self.out("".join(segment.text for segment in line).rstrip(), highlight=False)
