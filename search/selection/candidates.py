"""Choose which configurations of a search may be exported, before any is trained again."""

import math
from collections.abc import Callable

from models.families.registry import family_named
from search.evaluation.objective import Objective
from search.evaluation.shares import equal_images
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.ranking import best_first
from search.run_folder.records import TrialRecord
from search.trial.experiment import Experiment

Fits = Callable[[TrialRecord], bool]
# Standard errors, at most, of a share of so many images: what is behind by more than so many is
# not trained again for being known-good.
_HOPELESS = 5.0


def is_solved(record: TrialRecord) -> bool:
    """Tell whether a solver fits its model, so that one training tells all."""
    return family_named(str(record.values["family"])).solved


def is_head(record: TrialRecord) -> bool:
    """Tell whether it is trained on the features of a backbone that stays as it is."""
    family = family_named(str(record.values["family"]))
    return family.pretrained and not family.solved and family.probe(record.values) is None


def training_seconds(record: TrialRecord) -> float:
    """Estimate the seconds of one training by what its trials took."""
    return record.epochs_to_best * max(record.seconds, 0.1) / max(len(record.history), 1)


def candidates(
    records: list[TrialRecord], config: RunConfig, *, top: int, fits: Fits, judged_on: int
) -> list[TrialRecord]:
    """Choose the `top` best that fit, and the best known-good one of each kind that does.

    A kind is a family; heads and what is fine-tuned are two. The best known-good one of all is
    there in any case, of the other kinds that are far behind none. A probe that saw a part of
    the images has lost the race: it is a candidate where nothing else fits.

    Args:
        records: of the run.
        config: of the run.
        top: how many, at least 1.
        fits: whether a configuration may be exported at all; asked of as few as possible.
        judged_on: see `judging_images`.
    """
    objective = objective_of(config)
    ranked = [r for r in best_first(records, objective) if r.score is not None]
    ranked = with_probes_in_order(ranked, objective)
    chosen: list[TrialRecord] = []
    kinds: set[object] = set()
    for record in ranked:
        # Those that saw a part come last.
        if record.images is not None and any(other.images is None for other in chosen):
            break
        kind = record.values["family"], is_head(record)
        first = record.baseline and kind not in kinds
        # One at least, so that what the search has gained is known.
        first = first and not (kinds and _far_behind(record, chosen[0], objective, judged_on))
        # `fits` comes last: it may write and time a model, which takes seconds.
        if (len(chosen) < top or first) and fits(record):
            chosen.append(record)
            if record.baseline:
                kinds.add(kind)
    return chosen


def judging_images(experiment: Experiment) -> int:
    """Images to validate on; where all classes count the same, as many as tell as much."""
    targets = experiment.targets[experiment.validation]
    balanced = objective_of(experiment.config).counts_classes
    return int(equal_images(targets)) if balanced else len(targets)


def _far_behind(
    record: TrialRecord, leader: TrialRecord, objective: Objective, judged_on: int
) -> bool:
    if objective.direction == "min" or record.score is None or leader.score is None:
        return False  # of a loss it is not known how far it goes
    return leader.score - record.score > _HOPELESS * 0.5 / math.sqrt(judged_on)


def with_probes_in_order(ranked: list[TrialRecord], objective: Objective) -> list[TrialRecord]:
    """Return the same, but in the places of cross-validated probes these in the order of that.

    It is on several times as many images as the score.

    Args:
        ranked: records with a score, the best first.
        objective: of the run.
    """
    values = {r.trial_id: r.cross_validated for r in ranked if r.cross_validated is not None}
    known = [record for record in ranked if record.trial_id in values and record.images is None]
    in_order = iter(sorted(known, key=lambda record: objective.rank(values[record.trial_id])))
    return [next(in_order) if record in known else record for record in ranked]
