import keras
import numpy as np
import pytest
from searching import run_config, trial_record
from small_trials import experiment_in, search_in_this_process

from search.cli import _run
from search.errors import TuneError
from search.evaluation import objective as module
from search.evaluation.metrics import prediction_metrics
from search.evaluation.objective import OBJECTIVES, Objective, suited_to
from search.insights.family_comparison import ahead
from search.run_folder.config import objective_of
from search.run_folder.ranking import best_first
from search.selection.finalists import compared

PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
TARGETS = np.array([0, 1, 1])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_score_of_predictions_is_the_metric_of_that_name(name):
    metrics = prediction_metrics(PROBABILITIES, TARGETS)
    metrics |= {"balanced_accuracy": 0.75, "macro_f1": 2 / 3}
    expected = metrics[name.removeprefix("val_")]
    assert OBJECTIVES[name].from_predictions(PROBABILITIES, TARGETS) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "best"), [("val_accuracy", 0.9), ("val_loss", 0.1)])
def test_the_best_comes_first_and_beats_what_a_diverged_trial_scores(name, best):
    objective, scores = OBJECTIVES[name], [0.5, 0.9, 0.1]
    assert sorted([*scores, objective.worst], key=objective.rank)[0] == best
    assert sorted([*scores, objective.worst], key=objective.rank)[-1] == objective.worst
    assert objective.best(scores) == best
    assert max(scores, key=lambda score: objective.sign * score) == best


@pytest.mark.parametrize(("name", "expected"), [("val_accuracy", 2), ("val_loss", 1)])
def test_the_best_epoch_is_the_first_of_the_best_that_has_a_number(name, expected):
    scores = [float("nan"), 0.3, 0.8, 0.5, 0.8, 0.3]
    history = [{"epoch": epoch, name: score} for epoch, score in enumerate(scores)]
    assert OBJECTIVES[name].best_epoch([{}, *history, {"epoch": 6}])["epoch"] == expected
    assert OBJECTIVES[name].best_epoch([history[0]]) == {}


def test_an_unknown_objective_of_a_run_is_refused():
    with pytest.raises(TuneError, match="received val_f1, expected one of val_accuracy, val_bal"):
        objective_of(run_config(objective="val_f1"))


def _brier(probabilities, targets):
    """Less is better: the negated squared distance of each answer from the truth."""
    return -((probabilities - np.eye(probabilities.shape[1])[targets]) ** 2).sum(axis=1)


@pytest.fixture
def brier(monkeypatch):
    """An objective that the program knows by its row alone."""
    row = Objective("val_brier", "min", "validation Brier score", _brier)
    monkeypatch.setitem(module.OBJECTIVES, "val_brier", row)
    return row


def test_a_new_objective_is_one_row(brier, tmp_path):
    experiment = experiment_in(
        tmp_path, algo="random", max_trials=2, max_epochs=2, objective="val_brier"
    )
    records = search_in_this_process(experiment)
    targets = experiment.targets[experiment.validation]
    for record in records:
        predictions = np.load(experiment.run.predictions(record.trial_id))
        assert record.score == pytest.approx(brier.from_predictions(predictions, targets))
        assert record.score == min(logs["val_brier"] for logs in record.history)
    ranked = best_first(records, objective_of(experiment.config))
    assert [r.score for r in ranked] == sorted(r.score for r in records)
    trained = {
        r.configuration: [np.load(experiment.run.predictions(r.trial_id))] * 2 for r in ranked
    }
    assert compared(experiment, ranked, trained)[0].comparison.behind == 0
    keras.backend.clear_session()


def test_a_new_objective_is_offered_and_said(brier, capsys):
    assert _run(["run", "--help"]) == 0
    assert "|val_brier]" in capsys.readouterr().out
    families = [("cnn", 0.1), ("xception", 0.2)]
    assert (
        ahead(families, brier, 400) == "Best validation Brier score: cnn 0.1000, xception 0.2000."
    )


def test_a_record_knows_the_metrics_of_its_best_epoch():
    record = trial_record(history=[{"epoch": 0, "a": 1}, {"epoch": 1, "a": 2}], best_epoch=1)
    assert record.best_logs == {"epoch": 1, "a": 2}
    assert trial_record(score=None).best_logs == {}


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ([100, 100], "val_accuracy"),
        ([100, 50], "val_accuracy"),
        ([101, 50], "val_balanced_accuracy"),
        ([399, 32, 60, 0], "val_balanced_accuracy"),
        ([5, 0], "val_accuracy"),
        ([], "val_accuracy"),
    ],
)
def test_the_objective_follows_the_classes(counts, name):
    assert suited_to(counts) == name
