"""Hyperband (Li et al. 2018, JMLR 18(185)) whose rungs keep their planned size.

The paper's n_i configurations and r_i resources of bracket s are `_get_size(s, i)` and
`_get_epochs(s, i)` here, eta is `factor` and R is `max_epochs`, all of it KerasTuner's.
Ours decides anew only who is promoted and when, and in which order brackets are begun: first
the one without halving, whose few configurations have the full budget at once, then the
others, the most halving first. The baselines come before any random ones and
so into that first bracket: a good model is there early, and what the search finds is compared
with defaults that had their full budget.
"""

from typing import Any

from keras_tuner.oracles import HyperbandOracle as StockHyperbandOracle

from search.algorithms.learning import LearningOracle
from search.run_folder.records import TrialRecord

Bracket = dict[str, Any]


class HyperbandOracle(LearningOracle, StockHyperbandOracle):
    """KerasTuner's Hyperband; a failed trial does not shrink its rung.

    In 1.4.8 a failed trial keeps its place: of 9 → 3 → 1 one failure in the first rung leaves
    2 promotions and an empty last rung. Here a failed place is given again: in the first rung
    to a new configuration, in a later one to the next best of the rung before.
    """

    random_share = 1 / 3  # BOHB's
    with_prior = True

    def __init__(self, **options: Any) -> None:
        self._closed: set[int] = set()  # brackets, by number, in which nothing is left to do
        super().__init__(**options)
        # KerasTuner has begun the bracket that halves most; ours begin with bracket 0.
        self._brackets: list[Bracket] = []
        self._current_bracket = 0
        self._start_new_bracket()

    def propose(self, trial_id: str) -> dict[str, Any]:
        """Values of the next trial, or IDLE (wait for others) or STOPPED (all is done)."""
        for number, bracket in self._open_brackets():
            if values := self._next_in(bracket, trial_id):
                return {"status": "RUNNING", "values": values}
            if self._is_still(bracket):
                self._closed.add(number)
        if not self._is_last_bracket():
            self._increment_bracket_num()
            self._start_new_bracket()
            if values := self._next_in(self._brackets[-1], trial_id):
                return {"status": "RUNNING", "values": values}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def _open_brackets(self) -> list[tuple[int, Bracket]]:
        return [each for each in enumerate(self._brackets) if each[0] not in self._closed]

    def _is_still(self, bracket: Bracket) -> bool:
        """Whether nothing of it runs: where nothing can be started either, it stays as it is."""
        return all(
            self.useful(entry["id"]) or self.lost(entry["id"])
            for rung in bracket["rounds"]
            for entry in rung
        )

    def _size(self, bracket: Bracket, round_num: int) -> int:
        """KerasTuner's size; the first bracket, without halving, has a place per baseline.

        Where it is the only one, it has its own places besides: else nothing would be drawn.
        """
        size = int(self._get_size(bracket["bracket_num"], round_num))
        if bracket is not self._brackets[0]:
            return size
        if self._get_num_brackets() == 1:
            return size + len(self.baselines)
        return max(size, len(self.baselines))

    def needed_checkpoints(self) -> set[str]:
        """Running trials, those they continue, and those that may yet be promoted."""
        needed = super().needed_checkpoints()
        for _, bracket in self._open_brackets():
            rounds = bracket["rounds"]
            for number, below in enumerate(rounds[:-1], start=1):
                needed |= {
                    entry["past_id"]
                    for entry in rounds[number]
                    if self.trials[entry["id"]].status == "RUNNING"
                }
                if self._may_promote(bracket, number):
                    needed |= set(self._candidates(below, rounds[number]))
        return needed

    def _may_promote(self, bracket: Bracket, number: int) -> bool:
        """Whether a place of this rung is open, or would be if what runs in it failed."""
        done = sum(self.useful(entry["id"]) for entry in bracket["rounds"][number])
        return done < self._size(bracket, number)

    def _next_in(self, bracket: Bracket, trial_id: str) -> dict[str, Any] | None:
        """Values of a trial that this bracket can start now, promotions of low rungs last.

        The first rung is filled first, as in the paper; a promotion is made as soon as the
        trials still running could not change it.
        """
        if self._open_places(bracket, 0) > 0 and (values := self._new_configuration(bracket)):
            return self._enter(bracket, 0, trial_id, past_id=None, values=values)
        for number in range(1, len(bracket["rounds"])):
            best = self._promotable(bracket, number)
            if best is not None:
                values = dict(self.trials[best].hyperparameters.values)
                values["tuner/trial_id"] = best
                return self._enter(bracket, number, trial_id, past_id=best, values=values)
        return None

    def _new_configuration(self, bracket: Bracket) -> dict[str, Any] | None:
        """New values; None where there are none, or too many places had to be refilled.

        Where nothing new was found once, the bracket goes on with those that it has.
        """
        if bracket.get("exhausted") or self._refilled_enough(bracket):
            return None
        values = self._random_values()
        bracket["exhausted"] = values is None
        return values

    def _refilled_enough(self, bracket: Bracket) -> bool:
        """Whether as many places were refilled as the widest rung has.

        Where more fail, more of the same is no help.
        """
        refills = self._get_size(self._get_num_brackets() - 1, 0)
        return len(bracket["rounds"][0]) >= self._size(bracket, 0) + refills

    def _enter(
        self,
        bracket: Bracket,
        number: int,
        trial_id: str,
        *,
        past_id: str | None,
        values: dict[str, Any],
    ) -> dict[str, Any]:
        """Note the trial in its rung and add what it must know of its budget."""
        bracket_num = bracket["bracket_num"]
        bracket["rounds"][number].append({"past_id": past_id, "id": trial_id})
        values["tuner/epochs"] = self._get_epochs(bracket_num, number)
        values["tuner/initial_epoch"] = self._get_epochs(bracket_num, number - 1) if number else 0
        values["tuner/bracket"] = bracket_num
        values["tuner/round"] = number
        return values

    def _open_places(self, bracket: Bracket, number: int) -> int:
        """How many more trials this rung wants: its planned size less those not lost."""
        live = [entry for entry in bracket["rounds"][number] if not self.lost(entry["id"])]
        return self._size(bracket, number) - len(live)

    def _candidates(self, below: list[dict[str, Any]], rung: list[dict[str, Any]]) -> list[str]:
        """Those of the rung below that finished well and were not promoted yet, best first."""
        promoted = {entry["past_id"] for entry in rung}
        useful = [
            entry["id"]
            for entry in below
            if entry["id"] not in promoted and self.useful(entry["id"])
        ]
        return sorted(
            useful,
            key=lambda trial_id: self.trials[trial_id].score,
            reverse=self.objective.direction == "max",
        )

    def _promotable(self, bracket: Bracket, number: int) -> str | None:
        """The trial to promote into rung `number` now, or None.

        With p places open and fewer than p trials of the rung below still to come, the best
        of those finished is among the best p, whatever the others do.
        """
        rounds = bracket["rounds"]
        candidates = self._candidates(rounds[number - 1], rounds[number])
        places = self._open_places(bracket, number)
        if candidates and self._unfinished(bracket, number - 1) < places:
            return candidates[0]
        return None

    def _unfinished(self, bracket: Bracket, number: int) -> int:
        """How many trials of a rung may still bring a result: running, or to be started."""
        running = sum(
            not self.useful(entry["id"]) and not self.lost(entry["id"])
            for entry in bracket["rounds"][number]
        )
        to_start = self._open_places(bracket, number)
        if number == 0:
            exhausted = self._is_exhausted(bracket)
            return running if exhausted else running + max(to_start, 0)
        spare = len(self._candidates(bracket["rounds"][number - 1], bracket["rounds"][number]))
        coming = spare + self._unfinished(bracket, number - 1)
        return running + max(min(to_start, coming), 0)

    def _is_exhausted(self, bracket: Bracket) -> bool:
        """Whether the first rung stays as it is: nothing new to try, or refilled enough."""
        if self._open_places(bracket, 0) <= 0:
            return False
        found_nothing = bool(bracket.get("exhausted"))
        return found_nothing or self._refilled_enough(bracket) or self.exhausted()

    def _place(self, record: TrialRecord) -> None:
        """Put a trial back into its bracket, which is begun where there is none for it yet.

        Of a trial whose record is lost what went on with it is in no bracket.
        """
        while (bracket := self._bracket_of(record)) is None:
            if record.parent is not None:
                return
            self._increment_bracket_num()
            self._start_new_bracket()
        entry = {"past_id": record.parent, "id": record.trial_id}
        bracket["rounds"][record.rung].append(entry)

    def _bracket_of(self, record: TrialRecord) -> Bracket | None:
        for bracket in self._brackets:
            if record.parent is None:
                if bracket["bracket_num"] == record.bracket and self._open_places(bracket, 0) > 0:
                    return bracket
            elif any(entry["id"] == record.parent for rung in bracket["rounds"] for entry in rung):
                return bracket
        return None

    def _increment_bracket_num(self) -> None:
        """Go on: 0, then from the highest down to 1, and in the next iteration the same."""
        self._current_bracket = (self._current_bracket or self._get_num_brackets()) - 1
        if self._current_bracket == 0:
            self._current_iteration += 1

    def _is_last_bracket(self) -> bool:
        last = self._current_iteration + 1 >= self.hyperband_iterations
        lowest = min(1, self._get_num_brackets() - 1)
        return last and not self.open_ended and self._current_bracket == lowest

    def _remove_completed_brackets(self) -> None:
        """Keep all brackets, unlike KerasTuner: they say who was promoted."""
