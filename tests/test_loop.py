"""The search loop over real oracles and real files, with trials that train nothing."""

import pytest
from fake_search import FakeExecutor, make_hyperband
from searching import oracle_in, run_config
from stopping import NEVER, StopWhen

from search.errors import TuneError
from search.run_folder import record_files
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_record, load_records
from search.run_folder.records import COMPLETED, ERROR, FAILED, KILLED, STOPPED, TrialResult
from search.trial.checkpoint import TrainingState
from search.tuning.loop import Search


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def failing(*numbers):
    """An outcome by which the trials of these numbers fail."""

    def outcome(record):
        if int(record.trial_id) in numbers:
            reason = f"bad {record.trial_id}"
            return TrialResult(status=FAILED, failure=ERROR, reason=reason)
        return None

    return outcome


def search(run, *, trials, outcome=None, stop=NEVER, observers=()):
    """A random search of that many trials, begun or gone on with; what `to_the_end` answers."""
    oracle = oracle_in(run.path, algo="random", max_trials=trials)
    executor = FakeExecutor(run, outcome)
    return Search(
        run, oracle, executor, observers=[*observers], max_epochs=3, stop=stop
    ).to_the_end()


def statuses(run):
    return [record.status for record in load_records(run)]


def test_five_failures_after_a_success_do_not_stop_a_search(run):
    assert search(run, trials=8, outcome=failing(1, 2, 3, 4, 5, 6))
    assert statuses(run).count(FAILED) == 6
    assert len(statuses(run)) == 8


def test_a_success_among_the_first_five_gives_hope_for_good(run):
    assert search(run, trials=12, outcome=failing(0, 1, 2, 3, *range(5, 12)))
    assert statuses(run).count(FAILED) == 11


def test_a_run_that_is_renamed_while_it_runs_ends_and_is_not_begun_anew(run):
    run_config().save(run)
    elsewhere = run.path.with_name("renamed")

    def outcome(record):
        if int(record.trial_id) == 2:
            run.path.rename(elsewhere)

    with pytest.raises(TuneError, match="was moved or deleted while the search ran"):
        search(run, trials=5, outcome=outcome)
    assert statuses(RunFolder(elsewhere)).count(COMPLETED) == 2
    assert not list(run.path.glob("trials/*.json"))


def test_failures_from_before_a_resume_count_among_the_first(run):
    ended = StopWhen(lambda: statuses(run).count(FAILED) == 4)
    assert not search(run, trials=12, outcome=failing(*range(12)), stop=ended)
    with pytest.raises(TuneError, match="the first 5 trials all failed") as error:
        search(run, trials=12, outcome=failing(*range(12)))
    assert all(f"bad {number:02d}" in str(error.value) for number in range(5))


def test_a_success_from_before_a_resume_gives_hope(run):
    ended = StopWhen(lambda: len(statuses(run)) == 2)
    assert not search(run, trials=8, outcome=failing(1), stop=ended)
    assert search(run, trials=8, outcome=failing(*range(1, 8)))
    assert statuses(run).count(FAILED) == 7


def test_a_mended_cause_lets_a_hopeless_search_go_on(run):
    with pytest.raises(TuneError, match="all failed"):
        search(run, trials=12, outcome=failing(*range(12)))
    assert search(run, trials=12)
    assert statuses(run).count(FAILED) == 5


def reads_of_records(folder, trials, monkeypatch, outcome=None):
    """How many records a whole search reads."""
    read, original = [], record_files.read_object

    def counting(path):
        read.append(path)
        return original(path)

    with monkeypatch.context() as patched:
        patched.setattr(record_files, "read_object", counting)
        assert search(RunFolder(folder), trials=trials, outcome=outcome)
    return len(read)


def test_a_search_reads_no_more_records_than_it_has_trials(tmp_path, monkeypatch):
    for trials in (10, 40):
        folder = tmp_path / str(trials)
        assert reads_of_records(folder, trials, monkeypatch) <= trials
    # Going on reads each of those that ended once to look at it, and once for its outcome.
    assert reads_of_records(tmp_path / "40", 50, monkeypatch) <= 2 * 40 + 10


def checkpoints(run):
    return sorted(path.stem for path in run.checkpoint("").parent.glob("*.npz"))


class Watching:
    """Notes how many checkpoints there are whenever a trial begins."""

    def __init__(self, run):
        self.run, self.there = run, []

    def trial_started(self, record):
        self.there.append(len(checkpoints(self.run)))

    def trial_finished(self, record):
        pass


def test_checkpoints_that_nothing_goes_on_from_are_deleted_after_each_trial(run):
    watching = Watching(run)
    assert search(run, trials=6, observers=[watching])
    assert watching.there == [0] * 6
    assert checkpoints(run) == []


def test_checkpoints_of_trials_that_may_be_promoted_are_kept_until_they_cannot(run):
    watching = Watching(run)
    oracle = make_hyperband(run, max_epochs=9)
    executor = FakeExecutor(run)  # fails where a promoted trial's state is missing
    Search(run, oracle, executor, observers=[watching], max_epochs=9, stop=NEVER).to_the_end()
    assert 0 < max(watching.there) < len(load_records(run))
    assert checkpoints(run) == []


def test_the_checkpoint_of_a_stopped_trial_is_kept_and_no_other_trial_begins(run):
    stopped = []

    def outcome(record):
        if record.trial_id != "2":
            return None
        TrainingState(1, 0, [], []).save(run.checkpoint(record.trial_id))
        stopped.append(record)
        return TrialResult(status=STOPPED)

    stop = StopWhen(lambda: bool(stopped))
    assert not search(run, trials=6, outcome=outcome, stop=stop)
    assert checkpoints(run) == ["2"]
    assert len(load_records(run)) == 3
    stopped_record = load_record(run, "2")
    assert (stopped_record.status, stopped_record.attempts) == (STOPPED, 0)


def test_a_record_is_on_disk_before_the_oracle_hears_of_it(run, monkeypatch):
    oracle = oracle_in(run.path, algo="random", max_trials=3)
    heard, finish = [], oracle.finish

    def spying(record):
        heard.append(load_record(run, record.trial_id) == record)
        finish(record)

    monkeypatch.setattr(oracle, "finish", spying)
    Search(run, oracle, FakeExecutor(run), observers=[], max_epochs=3, stop=NEVER).to_the_end()
    assert heard == [True, True, True]


class Noting(FakeExecutor):
    """Keeps what each trial is given."""

    def __init__(self, run):
        super().__init__(run)
        self.tasks = {}

    def start(self, task):
        self.tasks[task.spec.trial_id] = task
        super().start(task)


def tasks_of(run, **options):
    """What each trial of a small Hyperband was given, by trial."""
    executor = Noting(run)
    oracle = make_hyperband(run, max_epochs=3)
    Search(run, oracle, executor, observers=[], max_epochs=3, stop=NEVER, **options).to_the_end()
    return executor.tasks


def test_a_trial_is_given_the_curves_of_others_and_its_own_earlier_rungs(run):
    tasks = tasks_of(run, early_stop=True)
    records = {record.trial_id: record for record in load_records(run)}
    first, *_, last = tasks
    assert (tasks[first].peers, tasks[first].earlier) == ((), ())
    promoted = next(task for task in tasks.values() if task.spec.parent)
    assert list(promoted.earlier) == records[promoted.spec.parent].history
    before = {r.configuration for r in records.values() if r.trial_id < last}
    assert len(tasks[last].peers) == len(before - {tasks[last].spec.configuration})


def test_what_goes_on_keeps_the_batch_that_memory_allowed(run):
    """Its parent was out of memory once, and trained with half the batch."""
    executor = FakeExecutor(run, lambda spec: None)
    oracle = make_hyperband(run, max_epochs=3)
    search = Search(run, oracle, executor, observers=[], max_epochs=3, stop=NEVER)
    search.to_the_end()
    goes_on = next(record for record in load_records(run) if record.parent)
    search.records[goes_on.parent] = search.records[goes_on.parent].with_outcome(batch_size=8)
    assert search._new_record(goes_on.trial_id).batch_size == 8


def test_without_early_stop_a_trial_is_told_of_no_other(run):
    assert all(task.peers == task.earlier == () for task in tasks_of(run).values())


def test_a_trial_that_goes_on_is_not_told_of_itself(run):
    told = []

    def outcome(spec):
        if spec.trial_id == "0002" and not told:
            told.append(spec)
            history = [{"epoch": 0, "val_accuracy": 0.5}]
            return TrialResult(status=STOPPED, history=history, score=0.5, best_epoch=0)
        return None

    first, again = FakeExecutor(run, outcome), Noting(run)
    for executor, stop in ((first, StopWhen(lambda: bool(told))), (again, NEVER)):
        oracle = make_hyperband(run, max_epochs=3)
        options = {"max_epochs": 3, "early_stop": True, "stop": stop}
        Search(run, oracle, executor, observers=[], **options).to_the_end()
    assert again.tasks["0002"].earlier == ()


def test_records_say_which_values_the_search_was_given(run):
    given = {"batch_size": 64, "learning_rate": 0.5}
    oracle = make_hyperband(run, max_epochs=3, baselines=[given])
    Search(run, oracle, FakeExecutor(run), observers=[], max_epochs=3, stop=NEVER).to_the_end()
    assert [record.values for record in load_records(run) if record.baseline] == [given]


def test_what_may_be_tried_again_is_left_to_a_resume_where_the_search_is_stopped(run):
    hit = []

    def outcome(record):
        if record.trial_id != "2" or hit:
            return None
        hit.append(record)
        return TrialResult(status=FAILED, failure=KILLED, reason="killed")

    assert not search(run, trials=4, outcome=outcome, stop=StopWhen(lambda: bool(hit)))
    stopped = load_record(run, "2")
    assert (stopped.status, stopped.attempts, stopped.kills) == (STOPPED, 0, 1)
    assert search(run, trials=4, outcome=outcome)
    assert statuses(run) == [COMPLETED] * 4


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), TuneError("gone")])
def test_a_trial_is_not_to_blame_for_what_ends_the_search(run, monkeypatch, error):
    monkeypatch.setattr(FakeExecutor, "max_starts", 2)
    hit = []

    def outcome(record):
        if record.trial_id == "2" and len(hit) < 3:
            hit.append(record)
            raise error

    for _ in range(3):
        with pytest.raises(type(error)):
            search(run, trials=4, outcome=outcome)
        assert load_record(run, "2").attempts == 0
    assert search(run, trials=4, outcome=outcome)
    assert statuses(run) == [COMPLETED] * 4
