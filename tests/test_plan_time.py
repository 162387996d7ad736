"""How long a plan takes, by what a step of each family takes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from recorded_progress import Recorded
from searching import run_config
from stopping import AT_ONCE, NEVER

from search.algorithms.plan import Plan, Rung
from search.algorithms.racing.plan import race_of
from search.algorithms.registry import make_plan
from search.trial.step_time import StepTime
from search.tuning.planning import plan_time
from search.tuning.planning.plan_time import (
    HEAD_SECONDS,
    measured_families,
    plan_seconds,
    trained_first,
)

CNN = StepTime(first=3.0, features=0.0, image=0.1)
PROBE = StepTime(first=3.0, features=0.03, image=0.0)
TUNED = StepTime(first=5.0, features=0.02, image=0.04)


def experiment_of(images=100, **config):
    rows = np.arange(images)
    return SimpleNamespace(config=run_config(**config), train=rows, validation=rows[: images // 5])


def test_a_rung_takes_what_its_trials_take_on_the_average_of_the_families():
    both = experiment_of(families=("cnn", "xception"))
    plan = Plan((Rung(0, 4, 0, 2),))
    slower = StepTime(first=3.0, features=0.0, image=0.3)
    seconds = plan_seconds(plan, both, {"cnn": CNN, "xception": slower})
    assert seconds == pytest.approx(4 * (3 + 100 * 2 * 0.2))


def test_what_is_promoted_goes_on_from_where_it_was_and_is_traced_again():
    plan = Plan((Rung(1, 3, 0, 1), Rung(1, 1, 1, 3)))
    seconds = plan_seconds(plan, experiment_of(families=("cnn",)), {"cnn": CNN})
    assert seconds == pytest.approx(3 * (3 + 10) + (3 + 20))


def test_a_family_of_which_heads_alone_are_trained_takes_little():
    plan = Plan((Rung(0, 5, 0, 2),))
    seconds = plan_seconds(plan, experiment_of(families=("transfer",)), {})
    assert seconds == pytest.approx(5 * HEAD_SECONDS)


def test_a_race_takes_the_features_of_each_image_that_it_sees():
    """Two backbones of one size: both on 50 of 100 images, then both on the other 50."""
    options = {
        "families": ("probe", "transfer"),
        "backbones": ("mobilenet_v2", "mobilenet_v2"),
        "backbone_sizes": (160,),
        "weights": "imagenet",
        "race_images": (50,),
    }
    experiment = experiment_of(**options)
    race = race_of(experiment.config)
    rungs = [(rung.size, rung.images, rung.again) for rung in race.rungs]
    assert rungs[0][1:] == (50, 0)
    assert rungs[-1][1:] == (None, rungs[-1][0])
    # 50 to fit to and 20 to validate on, then all 100 and the same 20.
    seen = rungs[0][0] * 70 + rungs[-1][0] * 120 - rungs[-1][2] * 70
    building = PROBE.first * len(race.candidates)
    seconds = plan_seconds(Plan(race.plan), experiment, {"transfer": TUNED, "probe": PROBE})
    assert seconds == pytest.approx(building + seen * 0.03)


def test_a_larger_size_takes_as_many_times_as_it_has_pixels():
    options = {
        "families": ("probe", "transfer"),
        "backbones": ("mobilenet_v2",),
        "weights": "imagenet",
        "race_images": (50,),
    }
    small = experiment_of(**options, backbone_sizes=(100,))
    both = experiment_of(**options, backbone_sizes=(100, 200))
    times = {"probe": replace(PROBE, first=0.0)}

    def per_probe(experiment):
        race = race_of(experiment.config)
        images = sum(r.size * (120 if r.images is None else 70) - r.again * 70 for r in race.rungs)
        return plan_seconds(Plan(race.plan), experiment, times) / images

    assert per_probe(both) / per_probe(small) == pytest.approx((1 + 4) / 2)


def test_each_family_is_measured_by_its_first_built_in_configuration(scratch, monkeypatch):
    asked = []

    def measure(experiment, values):
        asked.append(values)
        return CNN

    monkeypatch.setattr(plan_time, "measure", measure)
    said = Recorded()
    assert measured_families(scratch, NEVER, said) == {"cnn": CNN, "xception": CNN}
    assert asked == list(trained_first(scratch).values())
    known = {"cnn": replace(CNN, first=1.0)}
    assert measured_families(scratch, NEVER, Recorded(), known) == {**known, "xception": CNN}
    assert [values["family"] for values in asked] == ["cnn", "xception", "xception"]
    assert said.tasks == ["measuring a step of each family"]
    assert [(done, total) for done, total, _ in said.updates] == [(0, 2), (1, 2)]
    assert [words.split(": ")[1] for _, _, words in said.updates] == ["cnn", "xception"]
    config = replace(scratch.config, max_epochs=9)
    plan = make_plan(config)
    total = plan_seconds(
        plan, replace(scratch, config=config), dict.fromkeys(("cnn", "xception"), CNN)
    )
    assert total > plan.trials * CNN.first


def test_where_backbones_race_a_probe_is_measured_too_and_ctrl_c_ends_it(transfer, monkeypatch):
    monkeypatch.setattr(plan_time, "measure", lambda experiment, values: values["family"])
    config = replace(
        transfer.config, families=("probe",), backbone_sizes=(32, 48), race_images=(8,)
    )
    experiment = replace(transfer, config=config)
    assert list(measured_families(experiment, NEVER, Recorded())) == ["probe"]
    with pytest.raises(KeyboardInterrupt):
        measured_families(experiment, AT_ONCE, Recorded())
