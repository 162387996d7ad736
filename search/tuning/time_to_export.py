"""Keep back the time that an export will take, so that a model is there when time is up."""

import math
import time

from search.process.stop_signal import StopSignal
from search.run_folder.config import objective_of
from search.run_folder.exported.finalist_rows import SEEDS, TOP
from search.run_folder.ranking import best_first
from search.run_folder.records import TrialRecord
from search.selection.candidates import is_head, is_solved, with_probes_in_order
from search.selection.choosing_estimate import choosing_seconds, costliest_export_seconds
from search.selection.export_estimate import export_seconds, seconds_again
from search.trial.experiment import Experiment
from search.trial.messages import Progress

CHOOSING_SHARE = 0.15  # of the time limit that training the best few again may take


class TimeToExport:
    """An observer of a search: ends it early enough to export the best so far.

    A running trial that is ahead already is what would be exported if the search ended now. While
    there is nothing to export, no time is kept back.

    Args:
        stop: ends the search.
        experiment: the run.
        records: of the run so far.
    """

    def __init__(self, stop: StopSignal, experiment: Experiment, records: list[TrialRecord]):
        self.stop, self.experiment = stop, experiment
        self.objective = objective_of(experiment.config)
        self.records = {record.trial_id: record for record in records}
        self.begun: dict[str, float] = {}
        self.leading: dict[str, float] = {}  # seconds that a running trial which is ahead takes
        self.stepping: dict[
            str, tuple[float, int]
        ] = {}  # when the first step was done, in which epoch
        self._keep_back()

    def trial_started(self, record: TrialRecord) -> None:
        """Note when it began; for a probe, which may stand on two networks, keep back at once."""
        if is_solved(record):
            self._keep_back(probe=record)
        else:
            self.begun[record.trial_id] = time.monotonic()
            self.stepping.pop(record.trial_id, None)  # of an attempt before

    def progress(self, progress: Progress) -> None:
        """Keep back as long as a running trial took, once it is ahead."""
        now = time.monotonic()
        if progress.trial_id not in self.begun:
            return
        if not progress.before:
            self.stepping.setdefault(progress.trial_id, (now, progress.epoch))
        score = (progress.logs or {}).get(self.objective.name)
        if score is None or not self._is_ahead(score):
            return
        first, first_epoch = self.stepping[progress.trial_id]
        others = first - self.begun[progress.trial_id]
        # The epochs of the rungs before are trained again too.
        epochs = progress.epoch + 1
        steps = (now - first) * epochs / (epochs - first_epoch)
        self.leading[progress.trial_id] = seconds_again(steps, others, self.experiment)
        self._keep_back()

    def trial_finished(self, record: TrialRecord) -> None:
        """Keep back what the best needs."""
        self.records[record.trial_id] = record
        self.leading.pop(record.trial_id, None)
        self._keep_back()

    def _is_ahead(self, score: float) -> bool:
        best = self._ranked()
        if not best or best[0].score is None:
            return True
        return self.objective.rank(score) < self.objective.rank(best[0].score)

    def _ranked(self) -> list[TrialRecord]:
        ranked = best_first(list(self.records.values()), self.objective)
        scored = [record for record in ranked if record.score is not None]
        return with_probes_in_order(scored, self.objective)

    def _keep_back(self, probe: TrialRecord | None = None) -> None:
        ranked, running = self._ranked(), max(self.leading.values(), default=None)
        if not ranked and running is None:
            return
        # A head may lead by luck: then the best of the others is exported, or the best probe.
        others = [record for record in ranked if not is_head(record)]
        probes = [record for record in ranked if is_solved(record) and record.images is None]
        likely = [*ranked[:1], *others[:1], *probes[:1], *([probe] if probe else [])]
        records = list(self.records.values())
        each = [export_seconds(record, self.experiment, records) for record in likely]
        if running is not None or not likely:
            each.append(export_seconds(None, self.experiment) + (running or 0.0))
        choosing = self._choosing()
        if choosing:
            each.append(costliest_export_seconds(records, self.experiment, top=TOP))
        self.stop.keep_back(max(each) + choosing)

    def _choosing(self) -> float:
        """Seconds for training the best few again, as often as a share of the time allows."""
        choosing = choosing_seconds(list(self.records.values()), self.experiment, top=TOP)
        share = CHOOSING_SHARE * self.stop.limit - choosing.once
        if not choosing.each or share < choosing.each:
            return 0.0
        return choosing.once + choosing.each * math.floor(min(SEEDS, share / choosing.each))
