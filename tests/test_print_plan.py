"""What a search says before it begins, and what it begins with."""

from dataclasses import replace

import keras_tuner
import pytest
from recorded_progress import Recorded
from searching import run_config

from models.presets import PRESETS
from search.algorithms.plan import Plan, Rung
from search.process.wording import bytes_in_words
from search.tuning.planning import planned_disk, print_plan
from search.tuning.planning.print_plan import (
    announce,
    baselines,
    classes_in_plan,
    largest_model,
    not_used_in_plan,
)

PLAN = Plan((Rung(0, 6, 0, 1), Rung(0, 2, 1, 3)))


def test_the_plan_its_data_and_the_need_of_disk_are_said(scratch, monkeypatch):
    monkeypatch.setattr(planned_disk, "free_bytes", lambda path: 3 * 10**9)
    monkeypatch.setattr(print_plan, "largest_model", lambda experiment: 10**6)
    said = Recorded()
    config = run_config(families=("cnn", "xception"), ranges=(("learning_rate", 1e-4, 0.1),))
    announce(PLAN, config, scratch, said)
    first, data, classes, families, disk = said.lines
    assert first == "run: hyperband, 6 configurations in 8 trials, 10 epochs in all"
    assert data == "14 training, 6 validation and 4 test images of 2 classes at 16×16"
    assert classes == "classes: along 12, across 12"
    assert "families: cnn, xception (compact, as there is no GPU), float32" in families
    assert families.endswith("seed 0, learning_rate from 0.0001 to 0.1")
    # A whole rung of six and the one that runs, 12 bytes for each weight.
    need = bytes_in_words(7 * 12 * 10**6)
    assert disk == (
        f"disk: 0 MB for prepared images, up to {need} for training states, "
        f"{bytes_in_words(3 * 10**9)} free"
    )


@pytest.mark.parametrize(
    ("mode", "said"),
    [("squeeze", "16"), ("crop", "16 (their middle alone)"), ("pad", "16 (with black bars)")],
)
def test_how_images_are_made_to_fit_is_said_where_they_are_not_squeezed(
    scratch, monkeypatch, mode, said
):
    monkeypatch.setattr(print_plan, "largest_model", lambda experiment: 10**6)
    printed = Recorded()
    announce(PLAN, run_config(resize_mode=mode), scratch, printed)
    assert printed.lines[1].endswith(f"at 16×{said}")


def test_of_many_classes_the_smallest_and_the_largest_are_named():
    names = [f"c{number:02}" for number in range(1500)]
    counts = [50] * 1497 + [7, 5, 51]
    assert classes_in_plan(names, counts) == (
        "classes: 1,500, the smallest c1498 5, c1497 7, c00 50, the largest c1499 51, c1496 50, "
        "c1495 50"
    )


def test_what_is_not_used_is_said_with_its_reasons():
    assert not_used_in_plan({}, "photos") == ""
    assert not_used_in_plan({"not an image": 1_200, "truncated": 2}, "photos") == (
        "not used: 1,202 files or folders (not an image 1,200, truncated 2); which: "
        "tune clean photos\n"
    )
    linked = not_used_in_plan({"symbolic link to a folder": 1}, "photos")
    assert linked == (
        "not used: 1 files or folders (symbolic link to a folder 1); which: tune clean "
        "photos\nlinked folders and files are taken with --follow-links\n"
    )


def test_the_largest_model_is_that_of_the_baselines(scratch):
    sizes = []
    for values in baselines(scratch):
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        sizes.append(scratch.classifier.build(hp).count_params())
    assert len(sizes) >= 2
    assert largest_model(scratch) == max(sizes) > min(sizes)


def test_a_backbone_is_counted_without_being_built(transfer, monkeypatch):
    monkeypatch.setattr(type(transfer.classifier), "build", None)
    assert largest_model(transfer) > 10**6


def test_a_preset_alone_is_tried(scratch):
    config = run_config(preset="student-cnn", algo="random")
    assert baselines(replace(scratch, config=config)) == [PRESETS["student-cnn"].values]
