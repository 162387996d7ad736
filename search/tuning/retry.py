"""What happens to a trial that failed: tried again, or set aside. Pure decisions."""

from search.run_folder.records import FAILED, HUNG, KILLED, MEMORY, RUNNING, TrialRecord

MAX_KILLS = 2  # workers that a trial may cost before it is set aside
MIN_BATCH = 2


def again(record: TrialRecord) -> TrialRecord | None:
    """The trial as it is to be tried again, or None if its end is final.

    Out of memory: with half the batch. Killed or hung: as it was, `MAX_KILLS` times in all.
    Anything else would go wrong again in the same way.
    """
    if record.status != FAILED:
        return None
    if record.failure == MEMORY:
        batch_size = (record.batch_size or int(record.values["batch_size"])) // 2
        if batch_size < MIN_BATCH:
            return None
        return record.with_outcome(status=RUNNING, batch_size=batch_size, reason="", failure="")
    if record.failure in (KILLED, HUNG):
        kills = record.kills + 1
        if kills < MAX_KILLS:
            return record.with_outcome(status=RUNNING, kills=kills, reason="", failure="")
    return None


def given_up(record: TrialRecord, max_starts: int) -> TrialRecord | None:
    """The trial as failed, if it was started so often that it must be what kills the program.

    Starts are written down before they are made, so that one counts even where the trial takes
    the driver or the machine with it; those before its last checkpoint no longer count.
    """
    if record.attempts < max_starts:
        return None
    reason = f"started {record.attempts} times and got no further"
    return record.with_outcome(status=FAILED, failure=KILLED, reason=reason)
