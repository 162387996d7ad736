import pytest
from searching import trial_record

from search.overview.timeline import seconds_searched, timeline
from search.run_folder.records import RUNNING


def trial(name, seconds, ended, **changes):
    return trial_record(name, seconds=seconds, ended=ended, **changes)


def seconds(records):
    return [(end.record.trial_id, end.seconds) for end in timeline(records)]


def test_a_pause_between_two_evenings_is_not_counted():
    records = [trial("0", 10.0, 1010.0), trial("1", 5.0, 1015.0), trial("2", 20.0, 90_000.0)]
    assert seconds(records) == [("0", 10.0), ("1", 15.0), ("2", 35.0)]


def test_trials_that_run_at_once_are_counted_once_and_ordered_by_their_end():
    records = [trial("0", 30.0, 130.0), trial("1", 10.0, 112.0), trial("2", 10.0, 145.0)]
    assert seconds(records) == [("1", 10.0), ("0", 30.0), ("2", 40.0)]


def test_a_long_trial_joins_what_ran_before_it():
    records = [trial("0", 5.0, 5.0), trial("1", 5.0, 15.0), trial("2", 20.0, 21.0)]
    assert [s for _, s in seconds(records)] == [5.0, 10.0, 21.0]


def test_trials_of_an_older_version_are_taken_one_after_another_before_the_others():
    records = [trial("0", 10.0, None), trial("1", 5.0, 99.0), trial("2", 2.0, None)]
    assert seconds(records) == [("0", 10.0), ("2", 12.0), ("1", 17.0)]


def test_a_clock_that_was_set_back_does_not_put_the_first_trial_last():
    records = [
        trial("0", 10.0, 9010.0, begun=9000.0),
        trial("1", 5.0, 5016.0, begun=9010.0),  # set back by 4,000 s while it ran
        trial("2", 4.0, 5021.0, begun=5017.0),
        trial("3", 4.0, 5023.0, begun=5019.0),  # beside the one before
    ]
    assert seconds(records) == [("0", 10.0), ("1", 15.0), ("2", 19.0), ("3", 21.0)]


def test_a_trial_that_had_run_long_before_a_pause_is_no_sign_of_a_clock_set_back():
    records = [
        trial("0", 10.0, 9010.0, begun=1000.0),  # both were stopped, and went on at 9000
        trial("1", 65.0, 9005.0, begun=1001.0),
    ]
    assert seconds(records) == [("1", 65.0), ("0", 70.0)]


def test_what_still_runs_is_left_out_of_the_trials_and_counted_in_the_time():
    records = [trial("0", 10.0, 1010.0), trial("1", 5.0, None, begun=1010.0, status=RUNNING)]
    assert seconds(records) == [("0", 10.0)]
    assert seconds_searched(records) == 15.0
    assert seconds_searched([]) == 0.0


@pytest.mark.parametrize("count", [1, 7])
def test_elapsed_time_never_goes_back(count):
    records = [trial(str(k), 3.0 + k, 10.0 * k + 3) for k in range(count)]
    found = [s for _, s in seconds(records)]
    assert found == sorted(found)
    assert len(found) == count
