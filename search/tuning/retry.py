"""Decide whether a failed trial is tried again, and whether the search goes on."""

from search.errors import TuneError
from search.run_folder.records import FAILED, HUNG, KILLED, MEMORY, RUNNING, TrialRecord

MAX_KILLS = 2  # workers that a trial may cost before it is set aside
MIN_BATCH = 2
HOPELESS = 5  # trials that fail before any ends otherwise; then the search is stopped


def next_attempt(record: TrialRecord) -> TrialRecord | None:
    """The trial as it is to be tried again, or None if its end is final.

    Out of memory: with half the batch. Killed or hung: as it was, `MAX_KILLS` times in all.
    Anything else would go wrong again in the same way. The program has outlived this start, which
    does not count.
    """
    if record.status != FAILED:
        return None
    again = record.with_outcome(
        status=RUNNING, attempts=max(record.attempts - 1, 0), reason="", failure=""
    )
    if record.failure == MEMORY:
        # What is solved has no batches, and would need as much again.
        batch_size = (record.batch_size or int(record.values.get("batch_size", 0))) // 2
        if batch_size < MIN_BATCH:
            return None
        return again.with_outcome(batch_size=batch_size)
    if record.failure in (KILLED, HUNG):
        kills = record.kills + 1
        if kills < MAX_KILLS:
            return again.with_outcome(kills=kills)
    return None


def in_full(record: TrialRecord) -> TrialRecord:
    """A trial that is given up, its reason with the number of workers that it cost."""
    if record.status != FAILED or record.failure not in (KILLED, HUNG) or not record.kills:
        return record
    kills = record.kills + 1
    return record.with_outcome(kills=kills, reason=f"{record.reason} ({kills} times)")


def abandoned(record: TrialRecord, max_starts: int) -> TrialRecord | None:
    """The trial as failed, if it was started so often that it must be what kills the program.

    Starts are written down before they are made, so that one counts even where the trial takes
    the driver or the machine with it; those before its last checkpoint no longer count.
    """
    if record.attempts < max_starts:
        return None
    reason = f"started {record.attempts} times and got no further"
    return record.with_outcome(status=FAILED, failure=KILLED, reason=reason)


class FirstFailures:
    """The trials that failed before any trial ended in another way.

    They are kept here, so that a search does not read all its records again after each trial.
    """

    def __init__(self) -> None:
        self.failed: list[TrialRecord] = []
        self.over = False

    def note(self, record: TrialRecord | None) -> None:
        """Take in a trial that ended; None is a lost record, which need not have failed."""
        if record is None or record.status != FAILED:
            self.failed, self.over = [], True
        elif not self.over:
            self.failed.append(record)

    def require_hope(self) -> None:
        """Let a search go on unless nothing works.

        Raises:
            TuneError: the first `HOPELESS` trials, or more, all failed.
        """
        if len(self.failed) < HOPELESS:
            return
        reasons = "\n".join(f"  trial {r.trial_id}: {r.reason}" for r in self.failed)
        raise TuneError(
            f"the first {len(self.failed)} trials all failed, the search was stopped:\n{reasons}\n"
            "mend the cause, or leave the family out with --families"
        )
