"""Runs side by side: what is told of each, and of the difference of what they export."""

import json
from dataclasses import replace

import numpy as np
import pytest
from finished_runs import finished_run

from search.api import Run
from search.api import compare as compare_runs
from search.cli import _run
from search.errors import TuneError
from search.evaluation.intervals import paired_interval, paired_recall_interval
from search.overview.comparison import compare
from search.overview.difference import difference_of
from search.process.atomic_files import read_json, write_array, write_json
from search.run_folder.config import RunConfig


@pytest.mark.parametrize(
    ("counts", "interval"),
    [
        # Fagerland, Lydersen & Laake 2017 (airway hyper-responsiveness), and Newcombe 1998.
        ((1, 1, 7, 12), (-0.507, -0.026)),
        ((36, 12, 2, 0), (0.0569, 0.3404)),
    ],
)
def test_the_interval_of_a_paired_difference_is_that_of_the_literature(counts, interval):
    assert paired_interval(*counts) == pytest.approx(interval, abs=1e-3)


def test_the_interval_of_two_that_never_differ_is_not_nothing():
    low, high = paired_interval(50, 0, 0, 0)
    assert low == -high
    assert 0.05 < high < 0.1
    assert paired_interval(0, 0, 0, 0) == (-1.0, 1.0)
    assert paired_interval(3, 9, 2, 6) == pytest.approx(
        [-end for end in reversed(paired_interval(3, 2, 9, 6))]
    )


def exported(experiment, right, *, hashes=None):
    """Have its run be exported, with so many of the test images answered rightly."""
    run = experiment.run
    images = read_json(run.older_images)
    images["pixel_hashes"] = hashes or [f"{n:032}" for n in range(len(images["paths"]))]
    write_json(run.older_images, images)
    answers = np.eye(2, dtype=np.float32)[experiment.targets[experiment.test]]
    answers[right:] = answers[right:, ::-1]
    run.export.mkdir(exist_ok=True)
    write_array(run.test_predictions, answers)
    return run


@pytest.fixture
def pair(scratch, tmp_path):
    """Two finished runs on the same images, of which four are to test on."""
    return [
        finished_run(scratch, tmp_path / name, [("cnn", score), ("cnn", 0.2)])
        for name, score in (("a", 0.5), ("b", 0.7))
    ]


def renamed(experiments):
    """Folders have one name in both; a name tells runs apart."""
    found = []
    for number, experiment in enumerate(experiments):
        path = experiment.run.path.with_name(f"run{number}")
        experiment.run.path.rename(path)
        found.append(replace(experiment, run=type(experiment.run)(path)))
    return found


def test_runs_stand_side_by_side_with_what_they_found(pair):
    runs = [experiment.run for experiment in renamed(pair)]
    found = compare(runs)
    assert [row.run for row in found.runs] == ["run0", "run1"]
    assert [row.configurations for row in found.runs] == [2, 2]
    assert found.runs[0].best < found.runs[1].best
    assert found.differences == ()
    assert [line.split(":")[0] for line in found.not_compared] == ["run0", "run1"]
    assert "no exported model with its answers to the test images" in found.not_compared[0]


def test_models_are_compared_by_pairs_on_the_same_test_images(pair):
    one, other = renamed(pair)
    found = compare([exported(one, 4), exported(other, 2)])
    (difference,) = found.differences
    assert (difference.images, difference.same) == (4, True)
    assert difference.accuracies == (1.0, 0.5)
    assert difference.difference == 0.5
    assert difference.interval == paired_interval(2, 2, 0, 0)
    words = difference.in_words()
    figures = "accuracy 1.0000 and 0.5000 on the same 4 test images"
    assert words.startswith(f"run0 and run1 are level: {figures}")
    assert "a difference of +0.5000 (95 % interval " in words
    surer = replace(difference, interval=(0.1, 0.9))
    assert surer.in_words().startswith("run0 is better than run1: ")
    assert replace(difference, interval=(-0.9, -0.1)).in_words().startswith("run1 is better than")


def test_of_other_test_images_those_that_both_were_tested_on_count(pair):
    one, other = renamed(pair)
    first = exported(one, 4)
    hashes = [f"{n:032}" for n in range(24)]
    hashes[int(other.test[0])] = "f" * 32
    found = compare([first, exported(other, 2, hashes=hashes)])
    (difference,) = found.differences
    assert (difference.images, difference.same) == (3, False)
    assert "on their common 3 test images" in difference.in_words()
    foreign = [f"x{n:031}" for n in range(24)]
    nothing = compare([first, exported(other, 2, hashes=foreign)])
    assert nothing.differences == ()
    assert nothing.not_compared == (
        "run0 and run1: no image with one label is in the test set of both",
    )
    of_older_version = [exported(each, 2, hashes=[""] * 24) for each in (one, other)]
    assert compare(of_older_version).differences == ()


def test_an_image_with_another_label_in_each_run_says_nothing_of_their_models(pair):
    one, other = renamed(pair)
    runs = [exported(one, 4), exported(other, 4)]
    targets = np.array(other.targets)
    targets[other.test[:3]] = 1 - targets[other.test[:3]]
    write_array(other.run.targets, targets)
    (difference,) = compare(runs).differences
    assert (difference.images, difference.same, difference.accuracies) == (1, False, (1.0, 1.0))


def test_where_classes_count_the_same_the_means_of_recalls_are_compared(pair):
    one, other = renamed(pair)
    runs = [exported(one, 4), exported(other, 3)]
    for run in runs:
        config = RunConfig.load(run)
        replace(config, objective="val_balanced_accuracy").save(run)
    (difference,) = compare(runs).differences
    assert difference.metric == "balanced accuracy"
    assert "are level: balanced accuracy 1.0000 and 0." in difference.in_words()


def test_a_model_that_finds_the_rare_class_is_not_called_worse():
    """Of 950 images the one is right on 91 %, the other on all; of 50 on 80 %, and on none."""
    many = [(True, True)] * 864 + [(False, True)] * 86
    few = [(True, False)] * 40 + [(False, False)] * 10
    labels = ["many"] * 950 + ["few"] * 50
    by_image = difference_of("new", "old", many + few, same=True)
    assert by_image.interval[1] < 0
    by_class = difference_of("new", "old", many + few, same=True, labels=labels)
    assert by_class.accuracies == pytest.approx((0.8547, 0.5), abs=1e-4)
    assert by_class.difference == pytest.approx(0.3547, abs=1e-4)
    low, high = by_class.interval
    assert 0.27 < low < by_class.difference < high < 0.42


@pytest.mark.parametrize(
    "classes",
    [
        ((60, 0.1, 0.2), (12, 0.3, 0.1)),
        ((3, 0.3, 0.1),) * 100,
        ((4, 0.2, 0.0),) * 50,
        ((20, 0.05, 0.0),) * 10,
    ],
)
def test_the_interval_of_balanced_accuracies_holds_what_is_true(classes):
    """500 draws of classes of so many images, of which the two have other shares right alone."""
    random = np.random.default_rng(0)
    true = sum(mine - theirs for _, mine, theirs in classes) / len(classes)
    held = 0
    for _ in range(500):
        counts = []
        for images, mine, theirs in classes:
            same, first, second = random.multinomial(images, [1 - mine - theirs, mine, theirs])
            counts.append((int(same + first + second), int(first), int(second)))
        low, high = paired_recall_interval(counts)
        held += low <= true <= high
    assert 0.93 <= held / 500 <= 1.0


def test_what_cannot_be_compared_is_refused(pair):
    one, other = renamed(pair)
    for runs in ([one.run], [one.run, one.run], []):
        with pytest.raises(TuneError, match="two or more different runs"):
            compare(runs)
    exported(one, 4)
    run = exported(other, 2)
    write_array(run.test_predictions, np.zeros((3, 2), np.float32))
    with pytest.raises(TuneError, match="holds 3 answers for 4 test images; export again"):
        compare([one.run, run])


def test_the_command_and_the_interface_say_the_same(pair, capsys):
    one, other = renamed(pair)
    runs = [exported(one, 4), exported(other, 2)]
    paths = [str(run.path) for run in runs]
    assert _run(["compare", *paths]) == 0
    said = capsys.readouterr().out
    assert "run0 and run1 are level" in said
    assert said.splitlines()[0].split() == [
        *("run", "data", "algorithm", "trials", "time", "best", "test", "accuracy", "model"),
    ]
    assert _run(["compare", *paths, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = compare_runs(*(Run(run.path) for run in runs))
    assert printed["differences"][0]["difference"] == found.differences[0].difference == 0.5
    assert _run(["compare", paths[0]]) == 1
    assert "two or more different runs" in capsys.readouterr().err


def test_two_runs_of_one_name_are_told_apart_by_their_folders(pair):
    runs = [exported(pair[0], 4), exported(pair[1], 1)]
    assert runs[0].name == runs[1].name
    found = compare(runs)
    assert [row.run for row in found.runs] == [str(run.path) for run in runs]
    (difference,) = found.differences
    assert (difference.first, difference.second) == tuple(str(run.path) for run in runs)
    assert difference.accuracies == (1.0, 0.25)


def test_each_pair_of_three_is_compared(pair, scratch, tmp_path):
    third = finished_run(scratch, tmp_path / "c", [("cnn", 0.4)])
    runs = [exported(each, right) for each, right in zip([*pair, third], (4, 3, 2), strict=True)]
    differences = [each.difference for each in compare(runs).differences]
    assert differences == [0.25, 0.5, 0.25]
