"""PASHA: ASHA that trains longer only as long as that matters (Bohdal et al. 2023, ICLR)."""

from search.algorithms.halving.asha import AshaOracle
from search.algorithms.halving.stable_ranking import is_stable, noise


class PashaOracle(AshaOracle):
    """ASHA that opens a rung only where the two below it rank configurations differently.

    Where training longer does not change which are the best, nothing is trained to the full budget
    but the baselines (Bohdal et al. 2023, ICLR, arXiv 2207.06940).
    """

    _judged: tuple[tuple[int, int], bool] | None = None  # the last, by rung and results so far

    def _open_rungs(self) -> int:
        count = max(self._standing().highest + 1, 2)
        while count < len(self.rungs) and not self._stable(count - 1):
            count += 1
        return min(count, len(self.rungs))

    def _stable(self, rung: int) -> bool:
        """Whether a rung ranks its configurations as the one below does."""
        asked = rung, len(self.end_order)
        if self._judged is None or self._judged[0] != asked:
            self._judged = asked, self._ranked_alike(rung)
        return self._judged[1]

    def _ranked_alike(self, rung: int) -> bool:
        ranked = self._standing().ranked(rung)
        scores = [(self._score(self._parent(each)), self._score(each)) for each in ranked]
        return is_stable(scores, noise([self._curve(each) for each in ranked]))

    def _curve(self, trial_id: str) -> list[float]:
        """The scores of a configuration after each epoch, more being better."""
        history = self.trials[trial_id].metrics.get_history(self.objective.name)
        earlier = self._curve(self._parent(trial_id)) if self._goes_on(trial_id) else []
        return [*earlier, *(self.sign * float(seen.mean()) for seen in history)]
