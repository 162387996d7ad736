"""The configuration of a run, saved before its first trial and never changed."""

import os
from dataclasses import MISSING, asdict, dataclass, fields
from itertools import product
from typing import Any

from data_pipeline.listing.data_options import DataOptions
from data_pipeline.pixels.resize_mode import ResizeMode
from models.families.baselines import baselines_on
from models.families.family import ModelOptions
from models.families.registry import family_named, register_name
from search.errors import TuneError
from search.evaluation.objective import AUTO, Objective, objective_named
from search.process.atomic_files import read_object, write_json
from search.run_folder.budget import Budget
from search.run_folder.paths import RunFolder
from search.run_folder.schema import require_types

DEFAULT_TRIALS = 20
FACTOR = 3  # of Hyperband and ASHA, where nothing else is said
TRIED_AGAIN = 3  # configurations of a run that an update of it tries, where nothing else is said
DATA_OPTIONS = (
    "follow_links",
    "labels",
    "image_column",
    "label_column",
    "split_column",
    "group_column",
    "group_by",
    "corrections",
)
"""Fields of a configuration that say how its data set is read."""
_SETTLED = (("objective", AUTO), ("precision", "auto"))  # once, and not anew at a resume
_LEAST = {"max_epochs": 1, "factor": 2, "hyperband_iterations": 0, "max_trials": 0, "seed": 0}
_LISTS = (
    "families",
    "backbones",
    "image_size",
    "backbone_sizes",
    "race_images",
    "formats",
    "begin_with",
)


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's result. Sizes in pixels, times in seconds.

    Attributes:
        data: folder of labelled images.
        algo: name in `search.algorithms.registry.ALGORITHMS`.
        families: names of the families that are searched.
        backbones: which pretrained networks the transfer family may choose.
        image_size: (height, width) of the images that models are trained on from scratch.
        resize_mode: how an image of another shape is made to fit.
        compact: narrower models, for machines without a GPU.
        weights: "imagenet", the path of a file or folder of weights, or None (random).
        max_epochs: full budget of one configuration.
        factor: Hyperband's reduction factor.
        hyperband_iterations: how often all of Hyperband's brackets are run; 0 where that is left
            open: once, or with a time limit as often as there is time.
        max_trials: configurations of all algorithms but `hyperband`; 0 where that is left open:
            20, or with a time limit as many as there is time for.
        objective: name in `search.evaluation.objective.OBJECTIVES`; "auto" until the classes are
            known.
        validation, test: share of the images.
        seed: of splits, proposals, initial weights and order.
        deterministic: use only operations that give the same bits each time.
        early_stop: end trials that cannot win any more.
        precision: Keras dtype policy, already resolved from "auto".
        preset: a named configuration, trained alone instead of a search.
        ranges: (name, low, high) of each hyperparameter whose range the user moved.
        backbone_sizes: longer sides in pixels at which backbones may see images; () where an
            older version began the run: those that `image_size` can be enlarged to.
        largest_side: longer side in pixels beyond which no images are prepared.
        race_images: images to train on in each rung of the race of backbones but the last, which
            has all; set once the images are known.
        max_latency: seconds per image that a file may take; None for any.
        max_size: bytes that a file may have; None for any.
        formats: the files that both hold for, keys of `search.formats.registry.FORMATS`; () for
            the .keras file.
        follow_links: whether linked folders and files outside of the data set are taken.
        labels: path of a table of labels; None where folders say them.
        image_column, label_column, split_column, group_column: name or number of a column of it;
            None for a guess.
        group_by: regular expression on the paths of images that belong together.
        corrections: path of a file of corrected labels; None for none.
        updates: folder of the run whose images these are, and more; None for none.
        begin_with: values of configurations that are tried in place of the built-in ones and of
            a race: the best of the run that is updated.
        own_families: (name, SHA-256 of the code) of each family of the user's that is searched.
        left_out: (backbone, longer side in pixels) of what breaks these limits; set once they
            are measured.
    """

    data: str
    algo: str
    families: tuple[str, ...]
    backbones: tuple[str, ...]
    image_size: tuple[int, int]
    resize_mode: ResizeMode
    compact: bool
    weights: str | None
    max_epochs: int
    factor: int
    hyperband_iterations: int
    max_trials: int
    objective: str
    validation: float
    test: float
    seed: int
    precision: str
    deterministic: bool
    early_stop: bool
    preset: str | None = None
    ranges: tuple[tuple[str, float, float], ...] = ()
    backbone_sizes: tuple[int, ...] = ()
    largest_side: int | None = None
    race_images: tuple[int, ...] = ()
    max_latency: float | None = None
    max_size: int | None = None
    formats: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    updates: str | None = None
    begin_with: tuple[dict[str, Any], ...] = ()
    own_families: tuple[tuple[str, str], ...] = ()
    follow_links: bool = False
    labels: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    group_by: str | None = None
    corrections: str | None = None

    @property
    def budget(self) -> Budget:
        """What the files of a configuration may cost."""
        return Budget(self.max_latency, self.max_size)

    @property
    def data_options(self) -> DataOptions:
        """What the user said of the data set."""
        return DataOptions.of(**{name: getattr(self, name) for name in DATA_OPTIONS})

    @property
    def rounds(self) -> int:
        """How often all of Hyperband's brackets are run at least."""
        return self.hyperband_iterations or 1

    @property
    def trials(self) -> int:
        """How many configurations are tried at least, where the algorithm does not say so."""
        return self.max_trials or DEFAULT_TRIALS

    @property
    def open_ended(self) -> bool:
        """Whether a time limit may end the search in place of a number of rounds or trials."""
        return not (self.hyperband_iterations if self.algo == "hyperband" else self.max_trials)

    @property
    def raced(self) -> tuple[tuple[str, int], ...]:
        """Each backbone at each longer side in pixels, but those left out."""
        pairs = product(self.backbones, self.backbone_sizes)
        return tuple(pair for pair in pairs if pair not in self.left_out)

    @property
    def prepared_sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of all prepared images, first `image_size`."""
        options = ModelOptions(
            image_size=self.image_size,
            num_classes=2,  # decides nothing of the sizes
            compact=self.compact,
            largest_side=self.largest_side,
        )
        seen = [options.prepared_size(side) for side in self.backbone_sizes]
        return tuple(dict.fromkeys([self.image_size, *seen]))

    def save(self, run: RunFolder) -> None:
        """Write `config.json`."""
        write_json(run.config, asdict(self))

    def save_again(self, run: RunFolder) -> None:
        """Write it anew, with the time of the file that is there: by it runs are ordered."""
        before = run.config.stat()
        self.save(run)
        os.utime(run.config, ns=(before.st_atime_ns, before.st_mtime_ns))

    @classmethod
    def load(cls, run: RunFolder) -> "RunConfig":
        """Read `config.json`; what an older version did not know of has its default.

        Raises:
            TuneError: missing, broken, or written by another version.
        """
        values = read_object(run.config)
        if "crop_to_aspect_ratio" in values:  # of an older version
            values["resize_mode"] = "crop" if values.pop("crop_to_aspect_ratio") else "squeeze"
        known = {field.name for field in fields(cls)}
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        # Unknown names are refused too: a newer version's option would be lost without a word.
        if differing := (set(values) - known) | (needed - set(values)):
            names = ", ".join(sorted(differing))
            raise TuneError(
                f"{run.config}: written by another version of tune (differs in: {names})"
            )
        require_types(cls, values, file=run.config)
        for name, least in _LEAST.items():
            if values[name] < least:
                raise TuneError(
                    f"{run.config}: {name} is {values[name]}; expected {least} or more, as tune "
                    "writes it; start a new run"
                )
        for name in _LISTS:
            values[name] = tuple(values.get(name, ()))
        for name in ("ranges", "left_out", "own_families"):
            values[name] = tuple(map(tuple, values.get(name, ())))
        for name, _ in values["own_families"]:
            if not name.isidentifier():  # it names a file
                raise TuneError(f"{run.config}: own_families is not as tune writes it")
            register_name(name)
        return cls(**values)

    def differences(self, asked: dict[str, Any]) -> list[str]:
        """Write lines such as `seed: was 0, now 1` for each given option that differs from ours."""
        mine = asdict(self)
        # What a limit left out was asked for too.
        backbones = tuple(dict.fromkeys((*self.backbones, *(name for name, _ in self.left_out))))
        if set(asked.get("backbones", ())) == set(backbones):
            mine["backbones"] = asked.get("backbones", ())
        return [
            f"{name}: was {_as_option(mine[name])}, now {_as_option(value)}"
            for name, value in asked.items()
            if value != mine[name] and (name, value) not in _SETTLED
        ]


def _as_option(value: Any) -> str:
    """Write an option's value as on the command line."""
    if not isinstance(value, tuple):
        return str(value)
    if value and isinstance(value[0], tuple):  # ranges
        return ", ".join(f"{name}={low!r}:{high!r}" for name, low, high in value)
    return ",".join(map(str, value)) or "none"


def objective_of(config: RunConfig) -> Objective:
    """Look up what makes a configuration of this run the best.

    Raises:
        TuneError: there is no objective of that name.
    """
    return objective_named(config.objective)


def baseline_count(config: RunConfig) -> int:
    """How many baselines a run begins with, the race of backbones left out."""
    if config.preset:
        return 1
    if config.begin_with:
        return len(config.begin_with)
    pairs, pretrained = len(config.raced), config.weights is not None
    return sum(
        len(baselines_on(family_named(name), pretrained=pretrained, pairs=pairs))
        for name in config.families
    )
