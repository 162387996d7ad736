import keras
import keras_tuner
import pytest
from keras_tuner.oracles import RandomSearchOracle
from made_up_search import noise, run_of
from searching import drive, finished, oracle_in, run_config, wide_space, x_of

from search.algorithms import registry
from search.algorithms.base import DurableOracle
from search.algorithms.plan import one_rung
from search.algorithms.registry import Algorithm, make_oracle, make_plan
from search.cli import _run
from search.errors import TuneError
from search.insights.insight import find_insights
from search.insights.sentences import NOT_AT_RANDOM
from search.run_folder.config import DEFAULT_TRIALS
from search.run_folder.paths import RunFolder
from search.run_folder.records import COMPLETED, DIVERGED, FAILED


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture(params=["random", "bayesian"])
def algo(request):
    return request.param


def values_of(driven):
    """Of each trial, without its origin."""
    return [
        {name: value for name, value in values.items() if name != "tuner/origin"}
        for values in (trial.hyperparameters.values for trial in driven.trials)
    ]


def test_as_many_trials_as_asked_for_and_no_more(tmp_path, algo):
    driven = drive(oracle_in(tmp_path, algo=algo, max_trials=7))
    assert len(driven.trials) == 7
    assert driven.answer == "STOPPED"


def test_known_good_values_come_first(tmp_path, algo):
    baselines = [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}]
    oracle = oracle_in(tmp_path, algo=algo, max_trials=6, baselines=baselines)
    assert values_of(drive(oracle))[:2] == baselines


def test_given_values_that_lack_some_are_tried_once_and_as_they_are(tmp_path, algo):
    """KerasTuner would draw what is missing, and then not know them again."""
    given = [{"family": "probe", "probe/backbone": "mobilenet_025"}, {"x": 0.5}, {"x": 0.25}]
    oracle = oracle_in(tmp_path, algo=algo, max_trials=5, baselines=given)
    tried = values_of(drive(oracle, outcome=lambda trial: finished(trial, score=0.5)))
    assert tried[:3] == given
    assert all(set(values) == {"x", "y"} for values in tried[3:])


@pytest.mark.parametrize("failures", [1, 4])
def test_failures_in_a_row_do_not_end_the_search(tmp_path, algo, failures):
    def outcome(trial):
        failed = int(trial.trial_id) < failures
        return finished(trial, status=FAILED) if failed else finished(trial)

    driven = drive(oracle_in(tmp_path, algo=algo, max_trials=6), outcome=outcome)
    assert [trial.status for trial in driven.trials].count("COMPLETED") == 6 - failures


def test_a_diverged_trial_ranks_below_every_other(tmp_path, algo):
    def outcome(trial):
        if trial.trial_id == "1":
            return finished(trial, status=DIVERGED)
        return finished(trial, score=0.001)

    oracle = oracle_in(tmp_path, algo=algo, max_trials=4)
    drive(oracle, outcome=outcome)
    assert oracle.get_best_trials(4)[-1].trial_id == "1"


def test_seed_0_repeats_itself_and_differs_from_seed_1(tmp_path, algo):
    a, b, c = (
        values_of(drive(oracle_in(tmp_path / name, algo=algo, max_trials=6, seed=seed)))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert a == b
    assert a != c


def test_a_resumed_search_proposes_what_an_uninterrupted_one_does(tmp_path, algo):
    options = {"algo": algo, "max_trials": 8}

    def reloaded(oracle):
        return oracle if oracle.ongoing_trials else oracle_in(tmp_path / "cut", **options)

    whole = drive(oracle_in(tmp_path / "whole", **options))
    cut = drive(oracle_in(tmp_path / "cut", **options), before_step=reloaded)
    assert values_of(cut) == values_of(whole)


def test_bayesian_search_looks_where_scores_are_high(tmp_path):
    driven = drive(oracle_in(tmp_path, algo="bayesian", max_trials=30))
    assert sum(x_of(trial) for trial in driven.trials[-10:]) / 10 > 0.7


def test_a_bayesian_search_tries_nothing_twice_and_all_there_is(tmp_path):
    space = keras_tuner.HyperParameters()
    space.Choice("x", [0.1, 0.2, 0.3])
    space.Choice("y", ["a", "b", "c", "d"])
    driven = drive(oracle_in(tmp_path, space=space, algo="bayesian", max_trials=12))
    tried = {(values["x"], values["y"]) for values in values_of(driven)}
    assert len(tried) == len(driven.trials) == 12


def test_a_bayesian_search_learns_nothing_from_the_race(tmp_path, monkeypatch):
    learnt_from = []

    def noting(sampler, space, seen, **options):
        learnt_from.append([each.values["x"] for each in seen])
        return {"x": 0.1 * len(learnt_from), "y": 0.5}

    monkeypatch.setattr("search.algorithms.learning.Sampler.draw", noting)
    monkeypatch.setattr("search.algorithms.learning.STARTUP", 1)
    baselines = [{"family": "probe", "x": 0.9, "y": 0.5}, {"family": "cnn", "x": 0.8, "y": 0.5}]
    drive(oracle_in(tmp_path, algo="bayesian", max_trials=4, baselines=baselines))
    assert learnt_from == [[0.8], [0.8, 0.1]]


@pytest.mark.parametrize("kind", ["hyperband", "asha", "random"])
def test_stock_keras_tuner_reads_our_project_folder(tmp_path, kind):
    def better_with_epochs(trial):
        epochs = trial.hyperparameters.values.get("tuner/epochs", 0)
        return finished(trial, score=x_of(trial) + epochs / 1000)

    drive(oracle_in(tmp_path, algo=kind, max_trials=6, seed=3), outcome=better_with_epochs)
    ours = oracle_in(tmp_path, algo=kind, max_trials=6, seed=3)
    hypermodel = keras_tuner.HyperModel()
    hypermodel.build = _tiny_model
    options = {
        "objective": keras_tuner.Objective("val_accuracy", "max"),
        "directory": tmp_path,
        "project_name": "oracle",
    }
    stock = (
        keras_tuner.Hyperband(hypermodel, max_epochs=9, **options)
        if kind == "hyperband"
        else keras_tuner.RandomSearch(hypermodel, max_trials=6, **options)
    )
    assert [(t.trial_id, t.score) for t in stock.oracle.get_best_trials(5)] == [
        (t.trial_id, t.score) for t in ours.get_best_trials(5)
    ]
    best = stock.get_best_hyperparameters(1)[0]
    assert best.values["x"] == max(x_of(trial) for trial in ours.trials.values())


def _tiny_model(hp):
    hp.Float("x", 0.0, 1.0)
    hp.Float("y", 0.0, 1.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    return model


@pytest.mark.parametrize("broken", ["oracle.json", "trial_1/trial.json"])
@pytest.mark.parametrize("status", [COMPLETED, FAILED, DIVERGED])
def test_a_broken_file_is_made_again_from_the_records_whatever_came_of_a_trial(
    tmp_path, broken, status
):
    def outcome(trial):
        ended = finished(trial, status=status) if trial.trial_id == "1" else finished(trial)
        return ended.save(RunFolder(tmp_path))

    before = oracle_in(tmp_path, algo="random", max_trials=3)
    drive(before, outcome=outcome)
    (tmp_path / "oracle" / broken).write_text('{"trial_id": "1"')
    with pytest.warns(UserWarning, match="broken"):
        again = oracle_in(tmp_path, algo="random", max_trials=3)
    assert {t.trial_id: (t.status, t.score) for t in again.trials.values()} == {
        t.trial_id: (t.status, t.score) for t in before.trials.values()
    }


def test_a_trial_that_never_reached_the_state_never_happened(tmp_path):
    oracle = oracle_in(tmp_path, algo="random", max_trials=3)
    begun = oracle.create_trial("a")
    state = tmp_path / "oracle" / "oracle.json"
    before = state.read_bytes()
    oracle.finish(finished(begun))
    after = oracle.create_trial("b")
    state.write_bytes(before)
    again = drive(oracle_in(tmp_path, algo="random", max_trials=3))
    assert again.trials[0].trial_id == begun.trial_id
    assert again.trials[1].hyperparameters.values == after.hyperparameters.values


def test_the_algorithm_is_given_its_own_budget(tmp_path):
    config = run_config(algo="random", max_trials=11)
    oracle = make_oracle(config, wide_space(), baselines=[], directory=tmp_path)
    assert oracle.max_trials == 11


@pytest.mark.parametrize("algo", ["random", "bayesian"])
def test_an_open_ended_search_draws_more_than_a_limited_one(algo, tmp_path):
    oracle = oracle_in(tmp_path, algo=algo, max_trials=0, open_ended=True)
    for number in range(DEFAULT_TRIALS + 5):
        assert oracle.create_trial(f"slot{number}").status == "RUNNING"
    limited = drive(oracle_in(tmp_path / "limited", algo=algo, max_trials=0)).trials
    assert len(limited) == DEFAULT_TRIALS
    # It may go on with a time limit, so that ids are the same: as many digits.
    assert limited[0].trial_id in oracle.trials


class FromTheCorner(DurableOracle, RandomSearchOracle):
    """A toy: the first value of each hyperparameter, then random ones."""

    def populate_space(self, trial_id):
        answer = super().populate_space(trial_id)
        if not self.end_order and "values" in answer:
            answer["values"] |= {"x": 0.0}
        return answer


@pytest.fixture
def corner(monkeypatch):
    """An algorithm that the program knows by its row alone."""
    row = Algorithm(
        name="corner",
        load_oracle=lambda: FromTheCorner,
        options=("max_trials",),
        plan=one_rung,
        drawn_at_random=False,
    )
    monkeypatch.setitem(registry.ALGORITHMS, "corner", row)


def test_a_new_algorithm_is_one_row(tmp_path, corner):
    oracle = oracle_in(tmp_path, algo="corner", max_trials=4)
    driven = drive(oracle)
    assert isinstance(oracle, FromTheCorner)
    assert x_of(driven.trials[0]) == 0.0
    assert make_plan(run_config(algo="corner", max_trials=4)).trials == len(driven.trials) == 4


def test_what_a_new_algorithm_says_of_its_values_is_believed(tmp_path, corner):
    found = find_insights(*run_of(tmp_path, noise(0), count=8, algo="corner"))
    assert found.words == (NOT_AT_RANDOM,)


def test_a_new_algorithm_is_offered_on_the_command_line(corner, photos, capsys):
    assert _run(["run", "--help"]) == 0
    assert "--algo [hyperband|asha|pasha|random|bayesian|corner]" in capsys.readouterr().out
    assert _run(["run", str(photos), "--algo", "annealing"]) == 2
    assert "'corner'" in capsys.readouterr().err


def test_an_update_of_probes_alone_tries_what_it_is_given(tmp_path):
    given = ({"family": "probe", "probe/backbone": "mobilenet_025", "probe/image_size": 96},)
    options = {"algo": "random", "families": ("probe",), "max_trials": 1}
    config = run_config(begin_with=given, **options)
    assert make_plan(config).trials == 1
    oracle = make_oracle(
        config, keras_tuner.HyperParameters(), baselines=[dict(given[0])], directory=tmp_path
    )
    driven = drive(oracle, outcome=lambda trial: finished(trial, score=0.9))
    assert values_of(driven) == [dict(given[0])]
    assert driven.answer == "STOPPED"
    assert oracle.exhausted()


def test_an_unknown_algorithm_of_a_run_is_refused():
    with pytest.raises(TuneError, match="received annealing, expected one of hyperband, asha"):
        make_plan(run_config(algo="annealing"))
