"""Find the files that a table means by its paths."""

import os
import posixpath
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from data_pipeline.listing.listing import ListedFile


class TableFiles:
    """Finds the files that a table means by its paths."""

    def __init__(self, root: Path, beside: Path, files: Mapping[str, ListedFile]):
        self.files = files
        self.root = os.path.realpath(root)
        self.beside = os.path.realpath(beside)
        self.by_stem: dict[str, list[str]] = defaultdict(list)
        for path in files:
            self.by_stem[str(PurePosixPath(path).with_suffix(""))].append(path)

    def find(self, cell: str) -> list[str]:
        """The paths that a cell may mean, at best one."""
        cell = cell if "/" in cell else cell.replace("\\", "/")
        if Path(cell).is_absolute():
            cell = os.path.realpath(cell)
        for start in (self.root, self.beside):
            path = os.path.relpath(posixpath.join(start, cell), self.root)
            if path in self.files:
                return [path]
            if path in self.by_stem:
                return self.by_stem[path]
        return []
