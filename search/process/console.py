"""The console that everything for people is printed on."""

from collections.abc import Iterable

from rich.console import Console
from rich.segment import Segment

from search.process.printable import visible


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
