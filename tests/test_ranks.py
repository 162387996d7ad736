import pytest
from searching import VALUES, epoch_logs, run_config, trial_record

from search.insights.ranks import members, ranks
from search.run_folder.origins import MODEL, PRIOR, RANDOM
from search.run_folder.records import DIVERGED, FAILED, RUNNING


def standing_of(*records, **config):
    return ranks(members(records, run_config(**config)))


def record(number, score, *, epochs=1, **changes):
    history = [] if score is None else [epoch_logs(epoch, score) for epoch in range(epochs)]
    return trial_record(f"{number:04}", score, epochs=epochs, history=history, **changes)


def test_the_best_score_stands_highest_and_equal_ones_stand_level():
    standing = standing_of(record(1, 0.5), record(2, 0.7), record(3, 0.5), record(4, 0.9))
    assert standing == {"0001": 0.25, "0003": 0.25, "0002": 0.625, "0004": 0.875}


def test_a_lower_loss_stands_higher():
    standing = standing_of(record(1, 0.5), record(2, 0.3), objective="val_loss")
    assert standing["0002"] > standing["0001"]


def test_who_came_further_stands_higher_whatever_its_score():
    standing = standing_of(record(1, 0.9, epochs=1), record(2, 0.6, epochs=3))
    assert standing["0002"] > standing["0001"]


def test_a_configuration_is_as_far_as_its_last_rung_and_as_good_as_its_best():
    first = record(1, 0.8)
    second = record(3, 0.7, configuration="0001", parent="0001", rung=1, initial_epoch=1, epochs=3)
    (member,) = members([first, second], run_config())
    assert member.reached == (True, 3, 0.8)


def test_one_that_was_ended_early_came_only_as_far_as_it_trained():
    ended = record(1, 0.6, epochs=2).with_outcome(epochs=9, stopped_early="cannot win")
    standing = standing_of(ended, record(2, 0.55, epochs=9))
    assert standing["0002"] > standing["0001"]


def test_brackets_are_not_compared_with_each_other():
    standing = standing_of(
        record(1, 0.5, bracket=0), record(2, 0.9, bracket=1), record(3, 0.8, bracket=1)
    )
    assert standing == {"0001": 0.5, "0002": 0.75, "0003": 0.25}


def test_families_are_not_compared_with_each_other():
    other = VALUES | {"family": "xception"}
    standing = standing_of(record(1, 0.9, values=other), record(2, 0.5), record(3, 0.6))
    assert standing == {"0001": 0.5, "0002": 0.25, "0003": 0.75}


def test_diverged_ones_stand_last_even_after_a_good_rung():
    good = record(1, 0.9)
    lost = record(4, None, configuration="0001", parent="0001", rung=1, epochs=3, status=DIVERGED)
    standing = standing_of(good, lost, record(2, 0.5), record(3, None, status=DIVERGED))
    assert standing["0002"] > standing["0001"] == standing["0003"]


def test_failed_and_unfinished_ones_are_left_out():
    found = standing_of(
        record(1, 0.5),
        record(2, None, status=FAILED),
        record(3, 0.9, status=RUNNING),
        record(4, None, status=RUNNING),
    )
    assert set(found) == {"0001"}


def test_a_failure_later_leaves_what_was_reached_before():
    failed = record(2, 0.9, configuration="0001", parent="0001", rung=1, epochs=3, status=FAILED)
    (member,) = members([record(1, 0.5), failed], run_config())
    assert member.reached == (True, 1, 0.5)


def test_a_member_knows_whether_its_configuration_was_given():
    given = [record(number, 0.5, baseline=number != 1) for number in range(3)]
    assert [member.at_random for member in members(given, run_config())] == [False, True, False]


@pytest.mark.parametrize(
    ("origin", "at_random"), [("", True), (RANDOM, True), (PRIOR, False), (MODEL, False)]
)
def test_a_member_knows_whether_it_was_drawn_because_of_others(origin, at_random):
    drawn = record(1, 0.5, baseline=False, origin=origin)
    assert [member.at_random for member in members([drawn], run_config())] == [at_random]
