"""Keep in a run's folder what files of each architecture cost: nothing is measured twice."""

from contextlib import suppress
from dataclasses import dataclass

from models.space import architecture_key
from search.process.atomic_files import read_json, write_json
from search.process.machine.hardware import machine_name
from search.run_folder.budget import Cost
from search.run_folder.paths import RunFolder
from search.run_folder.records import Values
from search.run_folder.schema import from_json, to_json


@dataclass(frozen=True)
class _Row:
    """One architecture, as `costs.json` holds it.

    Attributes:
        architecture: `architecture_key` of its values.
        formats: the files whose largest cost it is.
        cost: of these.
    """

    architecture: str
    formats: tuple[str, ...]
    cost: Cost


@dataclass(frozen=True)
class _File:
    """What `costs.json` holds.

    Attributes:
        machine: where it was measured.
        rows: in the order in which they were measured.
    """

    machine: str
    rows: tuple[_Row, ...]


class KeptCosts:
    """The costs in a run's folder; those of another machine count for nothing.

    Args:
        run: where they are kept.
        formats: the files that are asked for.
    """

    def __init__(self, run: RunFolder, formats: tuple[str, ...]):
        self.run, self.formats = run, tuple(sorted(set(formats)))

    def get(self, values: Values) -> Cost | None:
        """Return the cost of a configuration; None where it was not measured here."""
        key = architecture_key(values)
        found = [r.cost for r in self._rows() if (r.architecture, r.formats) == (key, self.formats)]
        return found[0] if found else None

    def add(self, values: Values, cost: Cost) -> None:
        """Write down the cost of a configuration."""
        rows = (*self._rows(), _Row(architecture_key(values), self.formats, cost))
        with suppress(OSError):  # a folder that is only to be read: measured for this once
            write_json(self.run.costs, to_json(_File(machine_name(), rows)))

    def _rows(self) -> tuple[_Row, ...]:
        if not self.run.costs.exists():
            return ()
        kept = from_json(_File, read_json(self.run.costs), file=self.run.costs)
        return kept.rows if kept.machine == machine_name() else ()
