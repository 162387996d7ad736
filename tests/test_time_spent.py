"""Where the time of a search went."""

from searching import trial_record

from search.evaluation.objective import objective_named
from search.run_folder.origins import KNOWN_GOOD, MODEL, PRIOR, RACE, RANDOM
from search.run_folder.records import DIVERGED
from search.run_folder.time_spent import ExportTime, Spent, spent_in_words, time_spent

ACCURACY = objective_named("val_accuracy")


def test_trials_are_added_up_by_how_their_values_came_about():
    records = [
        trial_record("0", 0.9, origin=RACE, images=200, seconds=2.0),
        trial_record("1", 0.8, origin=RACE, configuration="0", seconds=3.04),
        trial_record("2", 0.85, origin=KNOWN_GOOD, seconds=10.0),
        trial_record("3", 0.7, origin=RANDOM, seconds=1.0),
        trial_record("4", 0.75, origin=RANDOM, configuration="3", parent="3", seconds=2.0),
        trial_record("5", None, origin=MODEL, seconds=4.0),
        trial_record("6", 0.99, origin=PRIOR, status=DIVERGED, seconds=1.0),
    ]
    assert time_spent(records, ACCURACY) == (
        Spent(RACE, 1, 5.0, 0.8),
        Spent(KNOWN_GOOD, 1, 10.0, 0.85),
        Spent(RANDOM, 1, 3.0, 0.75),
        Spent(PRIOR, 1, 1.0, None),
        Spent(MODEL, 1, 4.0, None),
    )


def test_of_a_loss_the_least_is_the_best():
    records = [trial_record(str(n), loss, origin=RANDOM) for n, loss in enumerate((0.5, 0.3))]
    assert time_spent(records, objective_named("val_loss"))[0].best == 0.3


def test_an_older_run_knows_what_was_given_and_what_was_raced():
    records = [
        trial_record("0", 0.8, values={"family": "probe"}, baseline=True, seconds=1.0),
        trial_record("1", 0.8, baseline=True, seconds=1.0),
        trial_record("2", 0.8, baseline=False, seconds=1.0),
    ]
    parts = time_spent(records, ACCURACY)
    assert [part.origin for part in parts] == [RACE, KNOWN_GOOD, RANDOM]


def test_it_is_said_in_one_line():
    parts = (Spent(RACE, 6, 36.0, 0.8887), Spent(MODEL, 2, 65.0, None))
    assert spent_in_words(parts) == (
        "race of backbones 36 s (6, best 0.8887), by what was seen 1 min 05 s (2)"
    )


def test_the_time_of_an_export_is_said_in_one_line():
    assert ExportTime(choosing=70.0, retraining=55.0, files=20.0).in_words() == (
        "choosing among the best 1 min 10 s, retraining 55 s, files and test 20 s"
    )
