"""Choose which of a run's configurations is exported, and say why that one."""

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.evaluation.bootstrap import cheapest
from search.formats.cost import Costs, within
from search.process.atomic_files import write_json
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.budget import Budget, Cost
from search.run_folder.config import RunConfig
from search.run_folder.data import load_predictions
from search.run_folder.exported.finalist_rows import Ensemble, FinalistRow
from search.run_folder.origins import EARLIER
from search.run_folder.ranking import no_result
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialRecord
from search.run_folder.schema import to_json
from search.selection.beyond_luck import beyond_luck, luck_in_words
from search.selection.candidates import candidates, is_head, is_solved, judging_images
from search.selection.finalists import Finalist, compared, ensemble, train_again
from search.trial.experiment import Experiment


@dataclass(frozen=True)
class Choice:
    """What was chosen, and what it was chosen from.

    Attributes:
        winner: the configuration to export.
        finalists: it and the others, best first.
        costs: of each finalist whose cost was measured, by its configuration's id.
        verdict: in words, whether the search found anything better than it began with.
        ensemble: what the mean of the best few would reach, and at what cost; None if unknown.
    """

    winner: Finalist
    finalists: list[Finalist]
    costs: dict[str, Cost]
    verdict: str
    ensemble: Ensemble | None

    @property
    def predictions(self) -> NDArray[np.float32]:
        """Predictions of the winner on the validation images: float32 [trainings, n, classes]."""
        return np.array(self.winner.predictions)

    def rows(self) -> tuple[FinalistRow, ...]:
        """Give the finalists as `finalists.json` and `metrics.json` hold them."""
        return tuple(_row(finalist, self.winner, self.costs) for finalist in self.finalists)


def choose(
    experiment: Experiment,
    costs: Costs,
    *,
    budget: Budget,
    top: int,
    seeds: int,
    cheaper_within: float,
    until: float = math.inf,
    stop: StopSignal,
    progress: ProgressSink,
) -> Choice:
    """Train the best few again; take the best, or a cheaper one that is shown to be as good.

    Args:
        experiment: the run.
        costs: measures what is asked for.
        budget: what the files may cost; nothing else is a candidate.
        top: how many of the best are trained again.
        seeds: how often each; 0 believes the scores of the search.
        cheaper_within: how much worse a cheaper one may be: the margin of `comparisons`.
        until: of `time.monotonic`; see `train_again`.
        stop: asked whether to stop.
        progress: told what is done.

    Raises:
        TuneError: no trial has finished, none keeps to the budget, none could be trained again.
    """
    config = experiment.config
    records = load_records(experiment.run)
    if not any(record.score is not None for record in records):
        raise no_result(experiment.run, records)
    fits, judged_on = partial(within, costs, budget), judging_images(experiment)
    fitting = candidates(records, config, top=top, fits=fits, judged_on=judged_on)
    if not fitting:
        raise costs.none_fits(budget)
    if seeds == 0 and fitting[0].images is not None:
        # A probe of a race that was cut short: its features of all images are needed anyway.
        fitting, seeds = fitting[:1], 1
    # One candidate is compared with nothing: its predictions of the search will do.
    if seeds == 0 or (len(fitting) == 1 and _in_search(experiment, fitting[0]).exists()):
        return _noted(experiment, _best_of_search(experiment, fitting))
    again = partial(train_again, seeds=seeds, until=until, within=cheaper_within)
    trained = again(experiment, fitting, stop=stop, progress=progress)
    if not trained:
        raise TuneError("none of the best could be trained again: each diverged; search further")
    return _noted(experiment, _of_trained(experiment, trained, costs, top, cheaper_within))


def _noted(experiment: Experiment, choice: Choice) -> Choice:
    """Write `finalists.json`."""
    write_json(experiment.run.finalists, to_json(choice.rows()))
    return choice


def _in_search(experiment: Experiment, record: TrialRecord) -> Path:
    """Give the path of the predictions on validation at the best epoch of the search."""
    return experiment.run.predictions(record.trial_id)


def _best_of_search(experiment: Experiment, fitting: list[TrialRecord]) -> Choice:
    best = fitting[0]
    if not _in_search(experiment, best).exists():
        raise TuneError(
            f"{experiment.run.name}: the predictions of its best trial are missing; "
            "train it again with --seeds 1"
        )
    others = [r for r in fitting[1:] if _in_search(experiment, r).exists() and not is_head(r)]
    probes = [r for r in others if is_solved(r)]
    trained = [r for r in others if not is_solved(r)]
    records = [best, *probes[:1], *trained[:1]]
    finalists = compared(
        experiment,
        records,
        {r.configuration: [load_predictions(_in_search(experiment, r))] for r in records},
    )
    ranked = sorted(finalists, key=lambda finalist: finalist.comparison.behind)
    winner = beyond_luck(ranked[0], finalists)
    return Choice(winner, ranked, {}, luck_in_words(winner, ranked[0]), None)


def _of_trained(
    experiment: Experiment,
    trained: list[Finalist],
    costs: Costs,
    top: int,
    cheaper_within: float,
) -> Choice:
    ranked = sorted(trained, key=lambda finalist: finalist.comparison.behind)
    winner, priced = _winner(ranked, costs)
    together = ensemble(experiment, ranked, top=top)
    if together:
        members = [f for f in ranked if f.record.configuration in together.members]
        # Nothing is measured for this alone: it takes seconds for each, and decides nothing.
        prices = [costs.measured(member.record.values) for member in members]
        known = [price.latency for price in prices if price is not None]
        # A sum that leaves a member out would be too low.
        if len(known) == len(members):
            together = replace(together, latency=sum(known))
    verdict = _verdict(ranked, experiment.config)
    if winner is ranked[0]:
        winner = beyond_luck(winner, trained)
        verdict += f" {luck_in_words(winner, ranked[0])}"
    else:
        verdict += (
            " Exported is a configuration that is cheaper to run and is shown to be as good "
            f"within {cheaper_within:g}."
        )
    return Choice(winner, ranked, priced, verdict.strip(), together)


def _winner(ranked: list[Finalist], costs: Costs) -> tuple[Finalist, dict[str, Cost]]:
    """Choose the cheapest of those that are as good as the leader, and give their costs."""
    good = [finalist for finalist in ranked if finalist.comparison.as_good]
    # Nothing to choose between: measuring would cost seconds and change nothing.
    priced = _prices(good, costs) if len(good) > 1 else {}
    # Without the leader's cost nothing is known to be cheaper than it.
    if ranked[0].record.configuration not in priced:
        return ranked[0], priced
    payable = [f for f in good if f.record.configuration in priced]
    paid = [priced[f.record.configuration].latency for f in payable]
    return payable[cheapest([f.comparison for f in payable], paid)], priced


def _prices(finalists: list[Finalist], costs: Costs) -> dict[str, Cost]:
    """Measure what each costs, by its configuration's id; what cannot be written is left out."""
    costs_by_id = {f.record.configuration: costs.of(f.record.values) for f in finalists}
    return {name: cost for name, cost in costs_by_id.items() if cost is not None}


def _verdict(ranked: list[Finalist], config: RunConfig) -> str:
    """Say whether the search beat what it began with, by more than noise."""
    first = next((f for f in ranked if f.baseline), None)
    # A preset is one published configuration, an update begins with what was found: neither is
    # there to be beaten.
    if first is None or config.preset or config.begin_with:
        return ""
    name = f"the built-in configuration that it began with ({first.record.title})"
    leader = ranked[0]
    if leader.baseline:
        return f"The search found nothing better than {name}."
    low, high = first.comparison.interval
    gain = f"{first.comparison.behind:.4f} (95 % interval {low:.4f} to {high:.4f} on validation)"
    once = [f for f in (leader, first) if not is_solved(f.record) and len(f.predictions) < 2]
    if low > 0 and once:
        return (
            f"The best is {first.comparison.behind:.4f} ahead of {name} after one training of "
            "each; how much trainings differ is not known (--seeds 3)."
        )
    if low <= 0:  # the interval holds 0
        return f"The search found nothing better than {name}: {gain} may be chance."
    return f"The best is {gain} better than {name}."


def _row(finalist: Finalist, winner: Finalist, costs: dict[str, Cost]) -> FinalistRow:
    cost = costs.get(finalist.record.configuration)
    return FinalistRow(
        configuration=finalist.record.configuration,
        summary=finalist.record.title,
        known_good=finalist.baseline and finalist.record.origin != EARLIER,
        score_in_search=finalist.record.score or 0.0,
        trainings=len(finalist.predictions),
        **vars(finalist.comparison),
        latency=cost.latency if cost else None,
        size=cost.size if cost else None,
        chosen=finalist is winner,
    )
