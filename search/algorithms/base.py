"""The base of all oracles: baselines come first, limits are kept to, any seed is kept.

KerasTuner 1.4.8 ignores `seed=0`, and stops a search after three failures in a row. This class is
mixed into its oracles (see `search.algorithms.registry`).
"""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from search.algorithms.durable_files import DurableFiles
from search.algorithms.racing.race import Race
from search.algorithms.unit_space import active, anywhere
from search.run_folder.origins import KNOWN_GOOD, RACE, RANDOM
from search.run_folder.records import COMPLETED, DIVERGED, TrialRecord, Values

DRAWS = 20  # configurations in a row that break a limit, after which no more are drawn
COLLISIONS = 20  # configurations in a row that were tried before, likewise; KerasTuner's number


class DurableOracle(DurableFiles):
    """Mixed into a KerasTuner oracle, before it: `class RandomOracle(DurableOracle, ...)`.

    Args:
        baselines: values tried before any random ones, in order.
        race, baselines_on, time_left: see `RaceFirst`.
        open_ended: whether it goes on after its last round of Hyperband.
        most: configurations to propose; None for no end but that of the algorithm.
        allowed: whether values keep to the limits of the run; what does not is never proposed.
        judged_on: images that scores rest on, where a family that is clearly behind is given up;
            None where none is. Of use to oracles that learn.
        seed: 0 is a seed like any other.
        directory: folder of the project folder, which is named `oracle`.
    """

    origin = RANDOM  # of the values that were drawn last
    given = KNOWN_GOOD  # the origin of baselines

    def __init__(
        self,
        *,
        baselines: list[Values],
        race: Race | None = None,
        baselines_on: Callable[[list[Values]], list[Values]] | None = None,
        allowed: Callable[[Values], bool] = lambda values: True,
        time_left: Callable[[], float] = lambda: math.inf,
        open_ended: bool = False,
        most: int | None = None,
        judged_on: int | None = None,
        seed: int,
        directory: Path,
        **options: Any,
    ):
        self.baselines, self.allowed, self.judged_on = baselines, allowed, judged_on
        self.race, self.baselines_on, self.time_left = race, baselines_on, time_left
        self.seconds = {}
        self.open_ended, self.most = open_ended, most
        # `search.tuning.retry` decides when a search is hopeless; KerasTuner raises after three
        # failures in a row.
        super().__init__(seed=seed, max_consecutive_failed_trials=10**9, **options)
        # KerasTuner has taken a random seed in place of 0, which it reads as "no seed".
        self.seed = self._seed_state = seed
        self._display.verbose = 0
        self._set_project_dir(str(directory), "oracle")

    def _random_values(self) -> Values | None:
        """Propose the baselines, then what is drawn.

        KerasTuner remembers which were tried, over restarts too.
        """
        if self.most is not None and self.configurations_begun() >= self.most:
            return None
        for values in self.baselines:
            if self._usable(values):
                return {**values, "tuner/origin": self.given}
        for number in range(DRAWS if self.hyperparameters.space else 0):
            drawn = self.draw(number)
            if drawn is None:
                return None
            if self.allowed(drawn):
                return {**drawn, "tuner/origin": self.origin}
        return None

    def configurations_begun(self) -> int:
        """How many configurations were begun after the race, of which there shall be `most`."""
        return sum(not self.was_raced(trial_id) for trial_id in self.trials)

    def was_raced(self, trial_id: str) -> bool:
        """Whether a trial was one of the race of backbones."""
        return bool(self.trials[trial_id].hyperparameters.values.get("tuner/origin") == RACE)

    def draw(self, number: int) -> Values | None:
        """Draw values that were not tried yet, at random; None where there are none.

        Args:
            number: of the draw for one trial, from 0 on: those before broke a limit.
        """
        self.origin = RANDOM
        for _ in range(COLLISIONS):
            values: Values = {}
            for entry in active(self.hyperparameters, values):
                values[entry.name] = anywhere(entry, random.Random(self._seed_state).random())
                self._seed_state += 1
            if not self._duplicate(values):
                return values
        return None

    def exhausted(self) -> bool:
        """Whether nothing can be proposed any more; the next proposal stays what it would be."""
        if not self.hyperparameters.space:
            return not any(map(self._usable, self.baselines))
        seed_state, origin = self._seed_state, self.origin
        # At random, which takes no time: what a model draws is a part of the same space.
        drawn = (DurableOracle.draw(self, number) for number in range(DRAWS))
        nothing = not any(map(self._usable, self.baselines)) and not any(
            values is not None and self.allowed(values) for values in drawn
        )
        self._seed_state, self.origin = seed_state, origin
        return nothing

    def _record_values(self, trial: Any) -> None:
        """KerasTuner's, of the values as they were proposed, which are complete.

        It would draw those that it misses at random, and then not know a baseline again.
        """
        after = self._compute_values_hash(trial.hyperparameters.values)
        before = self._id_to_hash[trial.trial_id]
        if after != before:
            self._tried_so_far.discard(before)
        self._tried_so_far.add(after)
        self._id_to_hash[trial.trial_id] = after

    def _usable(self, values: Values) -> bool:
        return not self._duplicate(values) and self.allowed(values)

    def _compute_values_hash(self, values: Values) -> str:
        """KerasTuner's, of the values alone: neither of their place nor of their origin."""
        own = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        return str(super()._compute_values_hash(own))

    def finish(self, record: TrialRecord) -> None:
        """Take in a finished trial. Doing so twice is harmless.

        The trial leaves the ongoing ones before the state is saved, so that a restart in
        between does not run it again.
        """
        trial = self.trials[record.trial_id]
        if trial.status in ("COMPLETED", "FAILED"):
            return
        self._note(trial, record)
        self.seconds[record.trial_id] = record.seconds
        trial.status = "COMPLETED" if record.status in (COMPLETED, DIVERGED) else "FAILED"
        trial.message = record.reason or None
        # KerasTuner's `end_trial` removes it only after it has saved the state.
        for slot in [slot for slot, t in self.ongoing_trials.items() if t is trial]:
            del self.ongoing_trials[slot]
        self.end_trial(trial)

    def lost(self, trial_id: str) -> bool:
        """Whether a trial ended without such a result: failed, or diverged."""
        return self.trials[trial_id].status in ("COMPLETED", "FAILED") and not self.useful(trial_id)

    def needed_checkpoints(self) -> set[str]:
        """Trials whose training state may still be continued from.

        After a restart with fewer workers some trials wait their turn to go on.
        """
        return {trial.trial_id for trial in self.ongoing_trials.values()} | set(self._retry_queue)
