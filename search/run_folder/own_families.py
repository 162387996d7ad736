"""Keep the code of a user's families with the run, and load it for the run's trials.

A run's folder may come from anyone, and code in it can do anything: it is run only where this user
named the file, which the signature beside it says (`data_pipeline.signing`). What only reads a run
loads no code.

    families/NAME.py     the user's file, as it was
    families/NAME.json   its signature, and the hyperparameters that were found in it
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_pipeline.atomic_files import write_bytes
from data_pipeline.signing import is_ours, sign
from models.families.family import ModelOptions
from models.families.own.discovery import Found
from models.families.own.loading import Loaded, load_family
from models.families.own.references import Reference
from models.families.registry import register
from search.errors import TuneError
from search.process.atomic_files import read_object, write_json
from search.process.printable import printable, shell_word
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.run_folder.schema import from_json, to_json


@dataclass(frozen=True)
class OwnFamilyFile:
    """What `families/NAME.json` holds.

    Attributes:
        signature: of the code and of the name, by this user's key.
        space: hyperparameters, as KerasTuner writes them; None where the code declares them.
        without_effect: names of those that change nothing of the model, and are left out.
    """

    signature: str
    space: list[dict[str, Any]] | None
    without_effect: list[str]


def digest_of(file: Path) -> str:
    """SHA-256 of a file of code, 64 hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Named:
    """A family that the user named, and its code."""

    loaded: Loaded
    code: bytes


def load_named(reference: Reference) -> Named:
    """Run a file that the user named, and make its family known in this process.

    Raises:
        ModelError: the file gives no family.
    """
    code = reference.file.read_bytes()
    loaded = load_family(reference.file, reference.name)
    register(loaded.family)
    return Named(loaded, code)


def keep_families(run: RunFolder, config: RunConfig, named: Iterable[Named]) -> list[str]:
    """Copy the code of families into the run's folder, with the hyperparameters found in it.

    Returns:
        What is to be said of them, in sentences.
    """
    said = []
    options = ModelOptions(image_size=config.image_size, num_classes=2, compact=config.compact)
    for each in named:
        name, model = each.loaded.family.name, each.loaded.model
        found = model.hyperparameters(options) if model else None
        kept = OwnFamilyFile(
            signature=sign(_signed(name, each.code)),
            space=[_as_json(entry) for entry in found.entries] if found else None,
            without_effect=list(found.without_effect) if found else [],
        )
        run.families.mkdir(parents=True, exist_ok=True)
        write_bytes(run.own_family(name), each.code)
        write_json(run.own_family(name).with_suffix(".json"), to_json(kept))
        if kept.without_effect:
            said.append(_left_out(name, kept.without_effect))
    return said


def load_families(run: RunFolder, config: RunConfig) -> None:
    """Run the code of a run's families, and make them known in this process.

    Raises:
        TuneError: it is not what the run began with, or another user's.
        ModelError: the code fails.
    """
    for name, digest in config.own_families:
        file = run.own_family(name)
        if not file.exists():
            raise TuneError(f"{printable(file)}: missing; the run cannot go on without it")
        kept = _read(file.with_suffix(".json"))
        code = file.read_bytes()
        if hashlib.sha256(code).hexdigest() != digest:
            raise TuneError(
                f"{printable(file)}: has changed since the run began; put it back, or start a new "
                "run"
            )
        if not is_ours(_signed(name, code), kept.signature):
            raise TuneError(
                f"{printable(file)}: this run came from elsewhere, and its family {name} is code; "
                f"read it, and if you trust it: tune run --resume {run.argument} --families "
                f"{shell_word(_given_again(run, config))}"
            )
        found = None
        if kept.space is not None:
            entries = tuple(_from_json(entry) for entry in kept.space)
            found = Found(entries, tuple(kept.without_effect))
        register(load_family(file, name, found).family)


def _given_again(run: RunFolder, config: RunConfig) -> str:
    """All families of a run, as `--families` takes them; of its own the copies in its folder."""
    own = {name: f"{run.own_family(name)}:{name}" for name, _ in config.own_families}
    return ",".join(own.get(name, name) for name in config.families)


def trust_families(run: RunFolder, config: RunConfig, references: Iterable[Reference]) -> None:
    """Take a user's word that the code of a run may be run.

    Args:
        run: that is to go on.
        config: of the run.
        references: files that the user named.

    Raises:
        TuneError: a file is another than the run began with.
    """
    known = dict(config.own_families)
    for reference in references:
        if known.get(reference.name) != digest_of(reference.file):
            raise TuneError(
                f"{printable(reference.file)}: {reference.name} is not the code that the run began "
                "with; leave --families out to go on with that, or start a new run"
            )
        path = run.own_family(reference.name).with_suffix(".json")
        code = reference.file.read_bytes()
        kept = replace(_read(path), signature=sign(_signed(reference.name, code)))
        write_json(path, to_json(kept))


def _left_out(family: str, names: list[str]) -> str:
    verbs = ("changes", "is") if len(names) == 1 else ("change", "are")
    return (
        f"{family}: {', '.join(names)} {verbs[0]} nothing of the model and {verbs[1]} left out; "
        "optimizer and learning rate are the search's"
    )


def _signed(name: str, code: bytes) -> bytes:
    return b"family " + name.encode() + b"\0" + code


def _read(path: Path) -> OwnFamilyFile:
    return from_json(OwnFamilyFile, read_object(path), file=path)


def _as_json(entry: Any) -> dict[str, Any]:
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    hp.merge([entry])
    (written,) = hp.get_config()["space"]
    return written


def _from_json(written: dict[str, Any]) -> Any:
    import keras_tuner

    hp = keras_tuner.HyperParameters.from_config({"space": [written], "values": {}})
    (entry,) = hp.space
    return entry
