"""The search algorithms by name. A new one is one file and one row in `ALGORITHMS`.

Imports without KerasTuner, so that the command line can list them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.families.registry import FAMILIES, family_named
from search.algorithms.plan import Plan, asha_plan, hyperband_plan, one_rung
from search.algorithms.racing.plan import race_of
from search.errors import TuneError
from search.evaluation.objective import ACCURACY
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.origins import EARLIER, KNOWN_GOOD
from search.run_folder.records import Values

if TYPE_CHECKING:
    import keras_tuner

    from search.algorithms.base import DurableOracle


@dataclass(frozen=True)
class Algorithm:
    """One search algorithm.

    Attributes:
        name: The value of `--algo`.
        load_oracle: Imports and returns its oracle's class. Called when a search begins: the
            import takes seconds.
        options: Names of the settings in `RunConfig` that the oracle takes as arguments.
        plan: What a search will do.
        drawn_at_random: Whether its values do not depend on earlier scores. Only then can what
            a search has taught about them be told from chance.
    """

    name: str
    load_oracle: Callable[[], type[DurableOracle]]
    options: tuple[str, ...]
    plan: Callable[[RunConfig], Plan]
    drawn_at_random: bool


def _load_hyperband() -> type[DurableOracle]:
    from search.algorithms.halving.hyperband import HyperbandOracle

    return HyperbandOracle


def _load_random() -> type[DurableOracle]:
    from search.algorithms.oracles import RandomOracle

    return RandomOracle


def _load_bayesian() -> type[DurableOracle]:
    from search.algorithms.oracles import BayesianOracle

    return BayesianOracle


def _load_asha() -> type[DurableOracle]:
    from search.algorithms.halving.asha import AshaOracle

    return AshaOracle


def _load_pasha() -> type[DurableOracle]:
    from search.algorithms.halving.pasha import PashaOracle

    return PashaOracle


_ROWS = (
    Algorithm(
        name="hyperband",
        load_oracle=_load_hyperband,
        options=("max_epochs", "factor", "hyperband_iterations"),
        plan=hyperband_plan,
        drawn_at_random=True,  # a third of the values are; others are not judged
    ),
    Algorithm(
        name="asha",
        load_oracle=_load_asha,
        options=("max_epochs", "factor", "max_trials"),
        plan=asha_plan,
        drawn_at_random=True,  # as of Hyperband
    ),
    Algorithm(
        name="pasha",
        load_oracle=_load_pasha,
        options=("max_epochs", "factor", "max_trials"),
        plan=asha_plan,
        drawn_at_random=True,
    ),
    Algorithm(
        name="random",
        load_oracle=_load_random,
        options=("max_trials",),
        plan=one_rung,
        drawn_at_random=True,
    ),
    Algorithm(
        name="bayesian",
        load_oracle=_load_bayesian,
        options=("max_trials",),
        plan=one_rung,
        drawn_at_random=False,
    ),
)
ALGORITHMS: dict[str, Algorithm] = {algorithm.name: algorithm for algorithm in _ROWS}


def algorithm_of(config: RunConfig) -> Algorithm:
    """Look up the algorithm of a run.

    Raises:
        TuneError: there is none of that name.
    """
    if config.algo not in ALGORITHMS:
        names = ", ".join(ALGORITHMS)
        raise TuneError(f"algo: received {config.algo}, expected one of {names}")
    return ALGORITHMS[config.algo]


def make_plan(config: RunConfig) -> Plan:
    """Say what a run will do."""
    race = race_of(config)
    rungs = race.plan if race else ()
    trained = any(not family_named(name).solved for name in config.families)
    if trained or config.begin_with:
        searched = algorithm_of(config).plan(config)
        return Plan(rungs + searched.rungs, exact=searched.exact)
    return Plan(rungs)


def make_oracle(
    config: RunConfig,
    space: keras_tuner.HyperParameters,
    *,
    baselines: list[Values],
    directory: Path,
    baselines_on: Callable[[list[Values]], list[Values]] | None = None,
    allowed: Callable[[Values], bool] = lambda values: True,
    time_left: Callable[[], float] = lambda: math.inf,
    open_ended: bool = False,
    images: int | None = None,
    seen_by_all: int | None = None,
) -> DurableOracle:
    """Make the oracle of a run, reloaded where its project folder holds a state.

    Args:
        config: of the run.
        space: what is drawn from.
        baselines: tried first, where there is no race of backbones.
        directory: folder of the run.
        baselines_on: gives the baselines from the winners of the race.
        allowed: whether values keep to the limits of the run.
        time_left: gives the seconds that the search still has, by which the race is cut short.
        open_ended: whether it goes on after its last round or trial.
        images: to validate on; None where no family is to be given up.
        seen_by_all: images to train and to validate on; see `RaceFirst`.

    Raises:
        TuneError: the state is broken.
    """
    import keras_tuner

    algorithm = algorithm_of(config)
    race = race_of(config)
    raced = sum(rung.size for rung in race.plan) if race else 0
    oracle = algorithm.load_oracle()(
        baselines=baselines,
        race=race,
        baselines_on=baselines_on,
        allowed=allowed,
        time_left=time_left,
        open_ended=open_ended,
        judged_on=images if _may_give_up(config) else None,
        seed=config.seed,
        directory=directory,
        objective=keras_tuner.Objective(config.objective, objective_of(config).direction),
        hyperparameters=space,
        **_options(algorithm, config, raced, open_ended),
    )
    oracle.seen_by_all = seen_by_all
    oracle.given = EARLIER if config.begin_with else KNOWN_GOOD
    if (directory / "oracle" / "oracle.json").exists():
        oracle.reload()
    return oracle


def _options(
    algorithm: Algorithm, config: RunConfig, raced: int, open_ended: bool
) -> dict[str, Any]:
    """The settings of an algorithm, where a race has so many trials, which are not counted."""
    options: dict[str, Any] = {name: getattr(config, name) for name in algorithm.options}
    if "hyperband_iterations" in options:
        options["hyperband_iterations"] = config.rounds
    if "max_trials" in options:
        # KerasTuner's ids have as many digits as this number, and whether there is an end may
        # change when the run goes on.
        options["max_trials"] = config.max_trials + raced if config.max_trials else None
        options["most"] = None if open_ended else config.trials
    return options


def _may_give_up(config: RunConfig) -> bool:
    """Whether nothing more need be drawn from a family that is clearly behind.

    Who chooses among families wants those, under a limit another may be all that fits, and of
    other objectives it is not known how much of a difference is chance.
    """
    all_searched = {*config.families, "joined"} == set(FAMILIES)  # of one backbone none is joined
    known = config.objective in (ACCURACY, "val_auc")
    return all_searched and not config.budget.limited and known
