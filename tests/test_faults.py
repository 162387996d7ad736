"""Death, a full disk and a failing one at every write, fsync, rename and unlink of a search."""

import errno
import gc
import os
import signal

import pytest
from fake_search import search_to_the_end, table
from forked import in_a_child

from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_records

OPERATIONS = ("write", "fsync", "replace", "unlink")


class Fault:
    """Patches the system calls by which files change; counts them, and fails at the n-th."""

    def __init__(self, monkeypatch, at, strike):
        self.count, self.at, self.strike = 0, at, strike
        for name in OPERATIONS:
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name)))

    def _wrapped(self, real):
        def call(*arguments, **options):
            self.count += 1
            if self.at is not None and self.count >= self.at:
                self.strike(real, arguments)
            return real(*arguments, **options)

        return call


def die(real, arguments):
    """Kill this process; of a write, half has reached the disk."""
    if real.__name__ == "write":
        real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def fail_with(number):
    def fail(real, arguments):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The table of a search that nothing happens to, and how often it touches the disk."""
    run = RunFolder(tmp_path_factory.mktemp("undisturbed") / "run")
    gc.collect()  # what other tests left behind may write when it goes, and would be counted
    with pytest.MonkeyPatch.context() as monkeypatch:
        fault = Fault(monkeypatch, None, None)
        assert search_to_the_end(run)
    return table(run), fault.count


def finished(run):
    return {record.trial_id for record in load_records(run) if record.finished}


def test_a_search_killed_at_an_operation_loses_nothing_and_repeats_nothing(tmp_path, undisturbed):
    expected, operations = undisturbed
    assert operations > 100
    # Every third: an atomic write has four. benchmarks/chaos.py kills at any moment.
    for at in range(1, operations + 1, 3):
        run = RunFolder(tmp_path / str(at))

        def killed(run=run, at=at):
            with pytest.MonkeyPatch.context() as monkeypatch:
                Fault(monkeypatch, at, die)
                search_to_the_end(run)

        assert os.WTERMSIG(in_a_child(killed)) == signal.SIGKILL
        before = finished(run) if run.trials.exists() else set()
        (run.path / "starts.log").unlink(missing_ok=True)
        assert search_to_the_end(run), at
        log = run.path / "starts.log"
        again = set(log.read_text().split()) if log.exists() else set()
        assert not before & again, f"operation {at}: finished trials were run again"
        assert table(run) == expected, f"operation {at}"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_search_on_a_failing_disk_says_so_and_can_go_on(tmp_path, undisturbed, number):
    expected, operations = undisturbed
    for at in range(1, operations + 1, 3):
        run = RunFolder(tmp_path / str(at))
        with pytest.MonkeyPatch.context() as monkeypatch:
            Fault(monkeypatch, at, fail_with(number))
            with pytest.raises(OSError, match=os.strerror(number)):
                search_to_the_end(run)
        assert search_to_the_end(run), at
        assert table(run) == expected, f"operation {at}"


@pytest.mark.parametrize("name", ["oracle/oracle.json", "oracle/trial_0001/trial.json"])
@pytest.mark.parametrize("content", [b"", b'{"start_order": ["00', b"[]"])
def test_a_broken_file_of_the_oracle_is_set_aside_and_made_again(tmp_path, name, content):
    run = RunFolder(tmp_path / "run")

    def stopped_after_four():
        def outcome(record):
            if record.trial_id == "0004":
                raise KeyboardInterrupt

        search_to_the_end(run, outcome=outcome, max_epochs=9)

    with pytest.raises(KeyboardInterrupt):
        stopped_after_four()
    before = [row for row in table(run) if row[-1] is not None]
    (run.path / name).write_bytes(content)
    with pytest.warns(UserWarning, match="kept as"):
        assert search_to_the_end(run, max_epochs=9)
    assert table(run)[: len(before)] == before
    assert (run.path / f"{name}.broken").read_bytes() == content
    epochs = [record.epochs for record in load_records(run) if record.rung == 2]
    assert epochs == [9], "the rungs keep their planned size"


def test_a_broken_record_costs_that_record_only(tmp_path):
    run = RunFolder(tmp_path / "run")
    search_to_the_end(run)
    (run.trials / "0001.json").write_text("{")
    before = len(list(run.trials.glob("[0-9]*.json")))
    with pytest.warns(UserWarning, match="0001.json"):
        kept = load_records(run)
    assert len(kept) == before - 1
    assert (run.trials / "0001.json").exists(), "a reader renames nothing"
    with pytest.warns(UserWarning, match="kept as 0001.json.broken"):
        search_to_the_end(run)
    with pytest.warns(UserWarning, match="the result of trial 0001 is lost"):
        assert len(load_records(run)) == before - 1
