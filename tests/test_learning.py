"""How a search draws: at random, around what is known to be good, by what it has seen."""

from collections import Counter
from dataclasses import replace

import keras_tuner
import numpy as np
import pytest
from searching import drive, epoch_logs, finished, oracle_in, run_config, trial_record, x_of

from models.families.registry import FAMILIES
from search.algorithms.curves import Curve, at_equal_epochs, hopeless_families
from search.algorithms.learning import origin
from search.algorithms.registry import make_oracle
from search.algorithms.sampler import STARTUP
from search.algorithms.unit_space import without_families
from search.run_folder.origins import KNOWN_GOOD, MODEL, PRIOR, RANDOM


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)


def shares(results, **options):
    """How often each way is chosen, over evenly spread luck."""
    settled = {"random_share": 0.25, "prior": True} | options
    chosen = Counter(origin(results, luck=luck, **settled) for luck in np.arange(0, 1, 0.01))
    return {how: count / 100 for how, count in chosen.items()}


def test_a_share_stays_random_and_the_prior_gives_way_to_the_model():
    assert shares(0) == {RANDOM: 0.25, PRIOR: 0.75}
    assert shares(STARTUP - 1) == {RANDOM: 0.25, PRIOR: 0.75}
    some, many = shares(12), shares(48)
    assert some[RANDOM] == many[RANDOM] == 0.25
    assert some[PRIOR] == pytest.approx(0.375, abs=0.02)
    assert many[PRIOR] == pytest.approx(0.047, abs=0.02)


def test_without_anything_known_to_be_good_the_first_draws_are_random():
    assert shares(STARTUP - 1, prior=False, random_share=0.0) == {RANDOM: 1.0}
    assert shares(STARTUP, prior=False, random_share=0.0) == {MODEL: 1.0}


def test_configurations_are_compared_after_equally_many_epochs():
    long = Curve({"x": 1}, {1: 0.5, 2: 0.6, 3: 0.9})
    middle = Curve({"x": 2}, {1: 0.7, 2: 0.65})
    short, failed = Curve({"x": 3}, {1: 0.8}), Curve({"x": 4}, {})
    curves = [long, middle, short, failed]
    seen, full = at_equal_epochs(curves, 2)
    assert full == 2
    assert [(each.score, each.epochs) for each in seen] == [
        *((0.6, 2), (0.7, 2), (0.8, 1), (None, 0))
    ]
    assert at_equal_epochs(curves, 1)[1] == 3
    assert at_equal_epochs(curves, 3)[1] == 1
    assert at_equal_epochs([], 3) == ([], 1)


def family(name, *scores):
    return Curve({"family": name}, dict(enumerate(scores, start=1)))


def test_a_family_is_given_up_where_it_is_clearly_behind():
    curves = [family("cnn", 0.5, 0.64), family("transfer", 0.89), family("xception", 0.86)]
    assert hopeless_families(curves, images=400) == {"cnn"}
    assert hopeless_families(curves, images=20) == set()  # may be chance
    close = [family("cnn", 0.84), family("transfer", 0.89)]
    assert hopeless_families(close, images=100_000) == set()  # wrong only half as often again
    assert hopeless_families([family("cnn", 0.1), family("transfer")], images=400) == set()
    # After as many epochs: one that was ended early is not behind what others had later.
    early = [family("cnn", 0.6, 0.7), family("transfer", 0.65, 0.72, 0.8, 0.945)]
    assert hopeless_families(early, images=400) == set()
    assert hopeless_families([family("cnn", 0.4, 0.45), early[1]], images=400) == set()
    assert hopeless_families([family("cnn", 0.3, 0.35), early[1]], images=400) == {"cnn"}


def two_families():
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["cnn", "transfer"])
    space.Float("x", 0.0, 1.0)
    with space.conditional_scope("family", ["cnn"]):
        space.Float("cnn/y", 0.0, 1.0)
    return space


def test_what_is_given_up_is_neither_drawn_nor_in_the_way_of_others():
    space = without_families(two_families(), {"cnn"})
    assert space.space[0].values == ["transfer"]
    assert [entry.name for entry in space.space] == ["family", "x", "cnn/y"]


BASELINES = [{"family": "transfer", "x": 0.5}, {"family": "cnn", "x": 0.5, "cnn/y": 0.5}]


def by_family(trial):
    """Transfer is right on nine images of ten, and best near x = 0.8; CNNs on half of them."""
    values = trial.hyperparameters.values
    good = values["family"] == "transfer"
    last = values.get("tuner/epochs", 1) - 1
    score = 0.9 - 0.1 * abs(values["x"] - 0.8) if good else 0.5
    record = finished(trial, score=score)
    return replace(record, history=[epoch_logs(last, score)], best_epoch=last)


def searched(folder, *, images, seed=0):
    oracle = oracle_in(folder, space=two_families(), baselines=BASELINES, seed=seed, factor=3)
    oracle.judged_on = images
    return oracle, drive(oracle, outcome=by_family).trials


def values_of(trials):
    return [trial.hyperparameters.values for trial in trials]


def test_a_search_draws_nothing_more_from_a_family_that_it_has_given_up(tmp_path):
    _, trials = searched(tmp_path / "given up", images=400)
    drawn = [v for v in values_of(trials) if v["tuner/origin"] != KNOWN_GOOD]
    assert {values["family"] for values in drawn} == {"transfer"}
    _, trials = searched(tmp_path / "kept", images=None)
    drawn = [v for v in values_of(trials) if v["tuner/origin"] != KNOWN_GOOD]
    assert {values["family"] for values in drawn} == {"transfer", "cnn"}


def test_each_trial_knows_how_its_values_came_about_and_hands_it_on(tmp_path):
    _, trials = searched(tmp_path, images=None)
    by_id = {trial.trial_id: trial.hyperparameters.values for trial in trials}
    origins = [values["tuner/origin"] for values in by_id.values()]
    assert origins[:2] == [KNOWN_GOOD, KNOWN_GOOD]
    assert {KNOWN_GOOD, RANDOM, PRIOR} <= set(origins)
    for values in by_id.values():
        if parent := values.get("tuner/trial_id"):
            assert values["tuner/origin"] == by_id[parent]["tuner/origin"]


def test_later_draws_are_better_than_random_ones(tmp_path):
    def far_from_best(seed):
        space = keras_tuner.HyperParameters()
        space.Float("x", 0.0, 1.0)
        oracle = oracle_in(tmp_path / str(seed), space=space, hyperband_iterations=4, seed=seed)
        trials = drive(oracle, outcome=lambda t: finished(t, score=1 - abs(x_of(t) - 0.8))).trials
        gaps = {MODEL: [], RANDOM: []}
        for trial in trials:
            values = trial.hyperparameters.values
            if "tuner/trial_id" not in values:
                gaps[values["tuner/origin"]].append(abs(values["x"] - 0.8))
        return np.mean(gaps[MODEL]), np.mean(gaps[RANDOM])

    model, random = np.mean([far_from_best(seed) for seed in range(3)], axis=0)
    assert model < random / 2


def test_a_search_that_is_reloaded_draws_what_it_would_have_drawn(tmp_path):
    oracle, trials = searched(tmp_path, images=400)
    again = oracle_in(tmp_path, space=two_families(), baselines=BASELINES)
    again.judged_on = 400
    assert again._seed_state == oracle._seed_state
    for number in range(5):
        assert again.draw(number) == oracle.draw(number)
        assert again.origin == oracle.origin


def test_after_many_draws_that_break_a_limit_they_are_random(tmp_path):
    oracle, _ = searched(tmp_path, images=None)
    for number in range(10, 15):
        oracle.draw(number)
        assert oracle.origin == RANDOM


def test_asking_whether_anything_is_left_changes_nothing(tmp_path):
    oracle = oracle_in(tmp_path, space=two_families())  # without baselines it has to draw
    oracle.origin, state = MODEL, oracle._seed_state
    assert not oracle.exhausted()
    assert (oracle._seed_state, oracle.origin) == (state, MODEL)
    nothing = oracle_in(tmp_path / "none", space=two_families(), allowed=lambda values: False)
    assert nothing.exhausted()


def test_a_record_gives_its_origin_back_to_the_search():
    assert trial_record(origin=MODEL).place()["tuner/origin"] == MODEL
    assert "tuner/origin" not in trial_record().place()


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({"families": tuple(FAMILIES)}, True),
        ({"families": ("transfer", "cnn")}, False),  # named by the user
        ({"families": tuple(FAMILIES), "max_size": 10**6}, False),
        ({"families": tuple(FAMILIES), "objective": "val_loss"}, False),
    ],
)
def test_families_are_given_up_only_where_any_of_them_would_do(tmp_path, changes, may):
    oracle = make_oracle(
        run_config(**changes), two_families(), baselines=[], directory=tmp_path, images=400
    )
    assert oracle.judged_on == (400 if may else None)
