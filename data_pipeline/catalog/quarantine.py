"""Set bad files aside and put them back: the only module that changes the user's files."""

import errno
import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.atomic_files import UnfinishedFile, sync_folder, write_bytes
from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.entry import Entry
from data_pipeline.errors import DataError
from data_pipeline.signing import is_ours, sign

_MANIFEST = "manifest.json"


def quarantine(catalog: Catalog, destination: Path) -> int:
    """Move the bad files of `catalog` under `destination`, keeping their relative paths.

    The manifest names a file before it is moved, so that `restore` can put everything back
    after a crash at any moment. Only files and links are moved, and only those that have not
    changed since they were checked.

    Returns:
        How many files were moved.

    Raises:
        DataError: `destination` lies inside the data, or cannot be written.
    """
    root, target = catalog.root.resolve(), destination.resolve()
    if target.is_relative_to(root):
        raise DataError(
            f"{destination}: lies inside {catalog.root}; expected a folder outside the data, "
            "which would be taken for a class; choose another"
        )
    records = _load(target, own=True) if (target / _MANIFEST).exists() else []
    names = {record["stored"] for record in records}
    moves = []
    for entry in catalog.table.take(np.flatnonzero(~catalog.table.kept)):
        if _is_as_seen(root, entry):
            record = _record(root, entry, _free_name(target, entry.path, names))
            names.add(record["stored"])
            moves.append(record)
    if moves:
        _save(target, records + moves)
    for record in moves:
        _move(Path(record["origin"]), target / record["stored"])
    return len(moves)


def restore(destination: Path, into: Path | None = None) -> int:
    """Put every file in quarantine back where it was, with its content and times unchanged.

    Args:
        destination: the folder that `quarantine` moved them to.
        into: the folder of the data set, where another user or another machine made the manifest:
            it could name any place.

    Returns:
        How many files were put back.

    Raises:
        DataError: there is no manifest, something else is now where a file was, or it belongs
            behind a link that leads out of a folder; the other files are put back.
    """
    remaining, restored = [], 0
    for record in _load(destination, own=into is None):
        stored = destination / record["stored"]
        origin = Path(record["origin"]) if into is None else into / record["stored"]
        if not os.path.lexists(stored):
            continue  # The program was ended between the manifest and the move.
        said = into or record.get("into")
        outside = not _is_inside(stored, destination) or (
            said and not _is_inside(origin, Path(said))
        )
        if outside or os.path.lexists(origin):
            remaining.append(record if into is None else _said_to_be_of(record, into))
            continue
        _move(stored, origin)
        _remove_if_empty(stored.parent, destination)
        restored += 1
    if remaining:
        _save(destination, remaining)
        raise DataError(
            f"{destination}: put {restored} back; {len(remaining)} not, since something is in "
            f"their place, or a link leads out of the folder (first: {remaining[0]['stored']}); "
            "move that away and restore again"
        )
    (destination / _MANIFEST).unlink()
    return restored


def _said_to_be_of(record: dict[str, Any], into: Path) -> dict[str, Any]:
    """A record that is signed again: of no place but the one that was said."""
    folder = into.resolve()
    return record | {"into": os.fspath(folder), "origin": os.fspath(folder / record["stored"])}


def _record(root: Path, entry: Entry, stored: str) -> dict[str, Any]:
    return {
        "origin": os.fspath(root / entry.path),
        "stored": stored,
        "bytes": entry.bytes,
        "mtime_ns": entry.mtime_ns,
        "content_hash": entry.content_hash,
        "reason": entry.reason,
    }


def _is_as_seen(root: Path, entry: Entry) -> bool:
    """Tell whether the file is still the one that was checked, and of a kind that can be moved."""
    try:
        status = (root / entry.path).lstat()
    except OSError:
        return False
    if stat.S_ISLNK(status.st_mode):
        return True
    same = (status.st_size, status.st_mtime_ns) == (entry.bytes, entry.mtime_ns)
    return stat.S_ISREG(status.st_mode) and same


def _free_name(target: Path, path: str, taken: set[str]) -> str:
    name, number = path, 1
    while name in taken or name == _MANIFEST or os.path.lexists(target / name):
        number += 1
        name = os.fspath(Path(path).with_stem(f"{Path(path).stem}.{number}"))
    return name


def _move(source: Path, target: Path) -> None:
    """Move one file or link, also to another disk; at every moment it is in one of both places."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise DataError(
                f"{source}: {error.strerror}; expected to move it to {target}; "
                "check the permissions of both folders"
            ) from error
        # A rename does not reach another disk. The original goes only once the copy is whole.
        _copy(source, target)
        source.unlink()
    sync_folder(target.parent)


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        shutil.copy2(source, target, follow_symlinks=False)
        return
    # Nobody else may read the copy before it has the permissions of the original.
    with UnfinishedFile(target, mode=0o600) as file:
        shutil.copy2(source, file.path)
        file.publish(target)


def _is_inside(path: Path, folder: Path) -> bool:
    """Follow links: a folder inside may be one to anywhere."""
    return path.parent.resolve().is_relative_to(folder.resolve())


def _load(destination: Path, *, own: bool) -> list[dict[str, Any]]:
    """Read a manifest; with `own` only one that this user made on this machine."""
    path = destination / _MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        records: list[dict[str, Any]] = values["files"]
        if all(_stays_inside(record["stored"]) and record["origin"] for record in records):
            if own and not is_ours(_signed(records), values.get("signature")):
                raise DataError(
                    f"{path}: not written by you on this machine, so it could name any place; say "
                    f"which folder the files belong to: tune restore {destination} --into DATA"
                )
            return records
        reason = "it names files outside the folder"
    except FileNotFoundError as error:
        raise DataError(
            f"{destination}: no {_MANIFEST} there; expected the folder given to --quarantine"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error)
    raise DataError(
        f"{path}: not a manifest of quarantined files ({reason}); expected the one written by "
        "--quarantine; move the files back by hand"
    )


def _stays_inside(stored: str) -> bool:
    path = Path(stored)
    return not path.is_absolute() and ".." not in path.parts and stored != _MANIFEST


def _save(destination: Path, records: list[dict[str, Any]]) -> None:
    values = {"files": records, "signature": sign(_signed(records))}
    write_bytes(destination / _MANIFEST, json.dumps(values, indent=1).encode())


def _signed(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records, sort_keys=True).encode()


def _remove_if_empty(folder: Path, destination: Path) -> None:
    """Remove a folder that held files in quarantine, and those above it that are empty then."""
    while folder != destination and not any(os.scandir(folder)):
        folder.rmdir()
        folder = folder.parent
