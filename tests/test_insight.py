"""Whole made-up searches: what is true of them is said, and nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest
from given_data import DATA
from made_up_search import begun, learning_curve, noise, run_of
from searching import VALUES, drive, epoch_logs, oracle_in, trial_record

from search.algorithms.halving.hyperband import HyperbandOracle
from search.cli import _run
from search.insights import insight
from search.insights import permutation_test as chance
from search.insights.findings import Insights
from search.insights.insight import FALSE_ALARM, find_insights
from search.insights.sentences import NOT_AT_RANDOM
from search.overview.summary import run_report
from search.process.atomic_files import write_json
from search.run_folder.origins import RACE
from search.run_folder.paths import RunFolder
from search.run_folder.records import DIVERGED, FAILED, TrialRecord
from search.run_folder.schema import from_json


def truth(seed):
    """Quality: the higher the learning rate the better, and batch normalization is better.

    What has no learning rate has the luck of one, so that having one makes no difference.
    """
    rng = np.random.default_rng(seed)

    def quality(values):
        luck, noise = rng.random(), rng.standard_normal()
        rate = values.get("learning_rate")
        place = luck if rate is None else np.log10(rate / 1e-4) / 2
        batch = values["cnn/normalization"] == "batch"
        return float(0.6 + 0.2 * place + 0.08 * batch + 0.01 * noise)

    return quality


def named(found):
    return {(row.family, row.name) for row in found.importance if row.matters}


def test_show_names_the_two_that_matter_no_other_and_the_end_that_hides_better(tmp_path, capsys):
    run, *_ = run_of(tmp_path, truth(0), count=150)
    assert _run(["show", "--limit", "1", "--results", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    (mattered,) = [line for line in printed if line.startswith("What mattered for cnn")]
    assert "in 150 configurations: learning rate (good from " in mattered
    assert " and normalization (best: batch); " in mattered
    assert mattered.count("good") + mattered.count("best") == 2
    (advice,) = [line for line in printed if "--range" in line]
    assert advice.startswith("learning rate of cnn: the ")
    assert advice.endswith(
        "best that use it are at its upper end (0.01); "
        "widen it: tune run … --range learning_rate=1e-4:0.1"
    )
    assert printed.index(advice) < len(printed) - 1  # the verdict has the last word
    assert (run.path / "learnt.json").exists()


def test_json_holds_what_was_learnt_with_figures(tmp_path, capsys):
    run_of(tmp_path, truth(1), count=100)
    _run(["show", "--json", "--results", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)["learnt"]
    written = from_json(Insights, found, file="stdout")
    assert named(written) == {("cnn", "learning_rate"), ("cnn", "cnn/normalization")}
    by_name = {row["name"]: row for row in found["importance"]}
    assert by_name["cnn/normalization"]["good"] == {"value": "batch"}
    assert by_name["learning_rate"]["good"]["low"] > 1e-3
    assert by_name["learning_rate"]["chance"] < 0.01 < by_name["cnn/blocks"]["chance"]
    assert found["configurations"] == 100  # the known-good one is not one of them


@pytest.mark.parametrize("count", [6, 49])
def test_of_noise_nothing_is_said_to_matter_and_no_end_is_advised(tmp_path, count):
    found = find_insights(*run_of(tmp_path, noise(0), count=count))
    assert named(found) == set()
    assert found.edges == ()
    assert found.words == (
        f"With {count} configurations of cnn drawn at random, "
        "no value can be told to matter more than by chance.",
    )


def with_probe(records, score, **changes):
    """The same with a probe of the race."""
    values = {"family": "probe", "probe/backbone": "mobilenet_v2", "probe/image_size": 160}
    probe = trial_record("9000", score, values=values, epochs=1, origin=RACE)
    return [*records, replace(probe, configuration="9000", **changes)]


def test_a_family_of_which_nothing_was_drawn_takes_no_share_of_what_may_be_chance(
    tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr(insight, "_importance", lambda space, drawn, names: asked.append(names))
    monkeypatch.setattr(insight, "sentences", lambda *_, **__: [])
    run, records, config = run_of(tmp_path, noise(0), count=20)
    found = find_insights(run, with_probe(records, 0.9), config)
    assert asked == [["cnn"]]
    assert {row.family: row.given for row in found.families} == {"cnn": False, "probe": True}


def test_a_score_on_a_part_of_the_images_is_not_compared_with_those_on_all(tmp_path):
    run, records, config = run_of(tmp_path, noise(0), count=6)

    def best(given):
        return {row.family: row.best for row in find_insights(run, given, config).families}

    assert best(with_probe(records, 0.99, images=200)).get("probe") is None
    assert best(with_probe(records, 0.99))["probe"] == 0.99
    assert best(with_probe([], 0.99, images=200)) == {"probe": 0.99}


def test_hyperbands_brackets_and_budgets_are_seen_through(tmp_path, monkeypatch):
    """The real oracle, four rounds, all at random: 68 configurations, most trained briefly."""
    monkeypatch.setattr(HyperbandOracle, "random_share", 1.0)
    run = RunFolder(tmp_path)
    config, space, baselines = begun(run, algo="hyperband", hyperband_iterations=4)
    records: dict[str, TrialRecord] = {}
    quality, qualities = truth(3), {}

    def outcome(trial):
        values = dict(trial.hyperparameters.values)
        place = {name: values.pop(name) for name in list(values) if name.startswith("tuner/")}
        parent = place.get("tuner/trial_id")
        name = records[parent].configuration if parent else trial.trial_id
        good = qualities.setdefault(name, quality(values))
        last = place["tuner/epochs"] - 1
        score = learning_curve(good, last)
        records[trial.trial_id] = trial_record(
            trial.trial_id,
            score,
            configuration=name,
            values=values,
            origin=place["tuner/origin"],
            bracket=place["tuner/bracket"],
            rung=place["tuner/round"],
            parent=parent,
            epochs=last + 1,
            history=[epoch_logs(last, score)],
            best_epoch=last,
        )
        return records[trial.trial_id]

    options = {"algo": "hyperband", "hyperband_iterations": 4, "image_size": (96, 96)}
    drive(oracle_in(run.path, space=space, baselines=baselines, **options), outcome=outcome)
    found = find_insights(run, list(records.values()), config)
    assert len(records) > found.configurations > 60
    assert named(found) == {("cnn", "learning_rate"), ("cnn", "cnn/normalization")}


def test_families_are_ranked_and_what_they_share_is_asked_of_all_together(tmp_path):
    rng = np.random.default_rng(0)

    def quality(values):
        smoothing = {0.0: 0.1, 0.05: 0.05, 0.1: 0.0}[values["label_smoothing"]]
        base = {"cnn": 0.6, "xception": 0.8}[values["family"]]
        return float(base + smoothing + 0.02 * rng.standard_normal())

    found = find_insights(*run_of(tmp_path, quality, count=60, families=("cnn", "xception")))
    assert [row.family for row in found.families] == ["xception", "cnn"]
    assert found.words[0].startswith("xception is ahead with 0.")
    assert " validation accuracy on 200 images, 0." in found.words[0]
    assert ("all", "label_smoothing") in named(found)
    assert {name for _, name in named(found)} == {"label_smoothing"}
    asked = {row.name for row in found.importance if row.family == "all"}
    assert "batch_size" in asked
    assert not any(name.startswith(("cnn/", "xception/")) or name == "family" for name in asked)


def of_two_families(folder, *records, **options):
    """A Hyperband run of two families with these records."""
    run = RunFolder(folder / "cats")
    config, *_ = begun(run, algo="hyperband", families=("cnn", "xception"), **options)
    write_json(run.data, DATA)
    for record in records:
        record.save(run)
    return run, list(records), config


def scored(trial_id, score, *, family="cnn", **changes):
    values = VALUES | {"family": family, "xception/width": 1.0, "xception/blocks": 2}
    return trial_record(trial_id, score, values=values, **changes)


@pytest.mark.parametrize(
    ("end", "after", "expected"),
    [(DIVERGED, None, 0.92), (FAILED, None, 0.92), (FAILED, 0.93, 0.93)],
)
def test_the_family_that_show_lists_first_comes_first_with_the_score_that_it_lists(
    tmp_path, end, after, expected
):
    went_on = {"configuration": "0002", "parent": "0002", "rung": 1, "epochs": 3, "history": []}
    search = of_two_families(
        tmp_path,
        scored("0000", 0.80),
        scored("0001", 0.85, family="xception"),
        scored("0002", 0.92),
        scored("0003", after, status=end, **went_on),
    )
    found = find_insights(*search)
    rows = [(row.family, row.configurations, row.best) for row in found.families]
    assert rows == [("cnn", 2, expected), ("xception", 1, 0.85)]
    first = run_report(search[0]).configurations[0]
    assert (first.values["family"], first.score) == ("cnn", expected)
    assert found.words[0] == (
        f"cnn is ahead with {expected:.4f} validation accuracy on 200 images, "
        f"{expected - 0.85:.4f} more than xception."
    )


def test_a_family_of_which_all_diverged_at_once_is_not_compared(tmp_path):
    lost = scored("0001", 0.99, family="xception", status=DIVERGED)
    found = find_insights(*of_two_families(tmp_path, scored("0000", 0.8), lost))
    assert [row.best for row in found.families] == [0.8, None]
    assert not any("xception is" in said or "0.9900" in said for said in found.words)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"splits": 3}', '{"splits": {}}', '{"splits": {"validation": null}}'],
)
def test_where_the_number_of_images_is_not_known_families_are_not_judged(tmp_path, content):
    search = of_two_families(tmp_path, scored("0000", 0.5), scored("0001", 0.9, family="xception"))
    search[0].data.write_text(content)
    said = find_insights(*search).words[0]
    assert said == "Best validation accuracy: xception 0.9000, cnn 0.5000."


def test_of_a_bayesian_search_nothing_is_said_of_values_or_ends(tmp_path):
    found = find_insights(*run_of(tmp_path, truth(0), count=150, algo="bayesian"))
    assert (found.importance, found.edges) == ((), ())
    assert found.words == (NOT_AT_RANDOM,)


def test_values_and_ends_of_all_families_share_one_chance_of_a_false_alarm(tmp_path, monkeypatch):
    levels = []

    def no_edges(*_, level):
        levels.append(level)
        return []

    def one_dependence(space, *_):
        return {"batch_size": 0.01, "optimizer": 0.02}

    monkeypatch.setattr(insight, "edges", no_edges)
    monkeypatch.setattr(chance, "chance_levels", one_dependence)
    found = find_insights(*run_of(tmp_path, noise(0), count=30, families=("cnn", "xception")))
    asked = {"cnn", "xception", "all"}
    share = (FALSE_ALARM - sum(levels)) / len(asked)  # what the ends leave, for each question
    assert len(levels) == 2
    assert 0.01 < share < 0.02
    assert named(found) == {(family, "batch_size") for family in asked}


def test_a_preset_teaches_nothing(tmp_path):
    run, records, config = run_of(tmp_path, noise(0), count=3, preset="keras-2022")
    assert find_insights(run, records, config).words == ()


def test_a_run_whose_space_is_lost_teaches_nothing_and_is_shown_all_the_same(tmp_path, capsys):
    run, records, config = run_of(tmp_path, truth(0), count=12)
    (run.path / "oracle" / "oracle.json").write_text("{")
    found = find_insights(run, records, config)
    assert found == Insights()
    assert _run(["show", "--results", str(tmp_path)]) == 0
    assert "val_accuracy" in capsys.readouterr().out
    assert not (run.path / "learnt.json").exists()
