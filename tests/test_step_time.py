"""What a configuration is measured to take, and the epochs for which there is time."""

from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import ANY

import pytest
from recorded_progress import Recorded
from small_trials import values_for

from models.known_good import baseline_values
from search.process.machine.hardware import Hardware
from search.trial import step_time
from search.trial.step_time import BUILDING_SECONDS, StepTime, measure
from search.tuning.planning import epochs_in_time, plan_time
from search.tuning.planning.epochs_in_time import LEAST_EPOCHS, SHARE, with_epochs

TAKES = StepTime(first=5.0, features=0.01, image=0.02)


def test_a_training_takes_its_start_its_features_and_its_epochs():
    assert TAKES.seconds(images=100, epochs=1) == pytest.approx(5 + 1 + 2)
    assert TAKES.seconds(images=100, epochs=4) == pytest.approx(5 + 2 + 8)  # two views at most


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but for what a test adds."""
    now = [100.0]
    monkeypatch.setattr(step_time.time, "monotonic", lambda: now[0])
    return now


def test_the_start_is_told_from_the_steps(scratch, clock, monkeypatch):
    """Of 14 images the first epoch takes 20 s, the second 4.8, the third and last 2 s."""

    def fit(training, model, *, initial_epoch, epochs, callbacks):
        for epoch, seconds in zip(range(initial_epoch, epochs), [20.0, 4.8, 2.0], strict=True):
            clock[0] += seconds
            callbacks[0].on_epoch_end(epoch, {"loss": 1.0})

    monkeypatch.setattr(step_time.Training, "fit", fit)
    found = measure(scratch, values_for(scratch, "cnn"))
    assert found == StepTime(first=18.0, features=0.0, image=pytest.approx(2 / 14))


def test_what_features_take_is_measured_also_where_they_are_there(transfer):
    """Else a second plan on the same images would promise less time than the first."""
    before = sorted(transfer.run.path.rglob("*"))
    tuned = (v for v in baseline_values(transfer.classifier) if v["transfer/unfreeze"])
    values = next(tuned)
    first, again = measure(transfer, values), measure(transfer, values)
    assert 0 < first.image < first.first
    assert first.features > 0
    assert again.features > 0
    assert sorted(transfer.run.path.rglob("*")) == before


def test_of_a_probe_only_the_features_take_time(transfer):
    probe = {"family": "probe", "probe/backbone": "mobilenet_075", "probe/image_size": 32}
    found = measure(transfer, probe)
    assert (found.first, found.image) == (BUILDING_SECONDS, 0.0)
    assert found.features > 0


@pytest.fixture
def chosen(monkeypatch):
    """Epochs for a limit, what was measured, and what was said."""

    def choose(experiment, limit, takes=TAKES, **config):
        asked, said = [], Recorded()

        def measured(experiment, values):
            asked.append((values["family"], values.get("transfer/unfreeze")))
            return takes(values["family"]) if callable(takes) else takes

        monkeypatch.setattr(plan_time, "measure", measured)
        config = replace(experiment.config, **({"max_epochs": 9} | config))
        stop = SimpleNamespace(seconds_to_limit=lambda: limit, raise_if_requested=lambda: None)
        found = with_epochs(experiment.run, config, stop=stop, progress=said)
        assert found == replace(config, max_epochs=found.max_epochs)
        return found.max_epochs, asked, said

    return choose


def test_as_many_epochs_as_take_a_third_of_the_time(scratch, chosen):
    """Of 14 images an epoch takes 10 s, and the start another 10."""
    takes = StepTime(first=10.0, features=0.0, image=10 / 14)
    for limit, epochs in ((400, 9), (3 * 99, 8), (3 * 71, 6), (150, 4), (120.0, 3)):
        found, asked, said = chosen(scratch, limit, takes)
        assert (found, asked) == (epochs, [("cnn", None), ("xception", None)])
        assert bool(said.lines) == (epochs < 9)
    assert takes.seconds(14, 3) <= SHARE * 120 < takes.seconds(14, 4)
    assert said.text == (
        "at most 3 epochs per configuration, as the time allows (cnn: 40 s); "
        "--max-epochs sets another number"
    )


@pytest.mark.parametrize("algo", ["hyperband", "random"])
@pytest.mark.parametrize(("share", "epochs"), [(0.99, 9), (1.01, 27)])
def test_three_times_as_many_where_what_is_built_in_takes_a_third_of_the_time_with_these(
    scratch, chosen, share, epochs, algo
):
    takes = StepTime(first=1.0, features=0.0, image=10 / 14)
    built_in = len(baseline_values(scratch.classifier))
    assert built_in >= 2
    limit = share * built_in * takes.seconds(14, 27) / SHARE
    found, _, said = chosen(scratch, limit, takes, algo=algo)
    assert found == epochs
    assert ("at most 27 epochs per configuration, as the time allows" in said.text) is (epochs > 9)


def test_no_family_gets_more_than_a_third_of_the_time_however_quick_the_others_are(
    scratch, chosen, monkeypatch
):
    quick, slow = StepTime(0.1, 0.0, 0.1 / 14), StepTime(1.0, 0.0, 10 / 14)
    one = {"algo": "random", "max_trials": 1}
    limit = 0.9 * slow.seconds(14, 27) / SHARE
    assert (
        chosen(scratch, limit, lambda family: slow if family == "xception" else quick, **one)[0]
        == 9
    )


def test_a_family_that_fails_where_it_is_measured_ends_no_search(scratch, chosen, monkeypatch):
    takes = StepTime(first=1.0, features=0.0, image=1 / 14)

    def broken(*_):
        raise ValueError("as in its trial")

    monkeypatch.setattr(epochs_in_time, "measured_families", broken)
    found, _, said = chosen(scratch, 10_000.0, takes)
    assert found == 9
    assert "a step of a family could not be measured: as in its trial" in said.text


def test_a_single_training_gets_a_third_of_the_time_at_most(scratch, chosen):
    takes = StepTime(first=1.0, features=0.0, image=10 / 14)
    one = {"algo": "random", "max_trials": 1}
    limit = takes.seconds(14, 27) / SHARE
    assert chosen(scratch, 0.99 * limit, takes, **one)[0] == 9
    assert chosen(scratch, 1.01 * limit, takes, **one)[0] == 27


def test_where_last_layers_alone_are_trained_there_is_nothing_to_measure(transfer, chosen):
    assert chosen(transfer, 600.0, families=("probe",)) == (9, [], ANY)


def test_where_not_even_these_fit_there_are_three_epochs(scratch, chosen):
    found, _, said = chosen(scratch, 150, StepTime(100.0, 0, 1))
    assert found == LEAST_EPOCHS == 3
    assert chosen(scratch, 150, StepTime(100.0, 0, 1), max_epochs=2)[0] == 2
    assert (
        "3 epochs per configuration; there may not be time for them (cnn: 2 min 22 s)" in said.text
    )


def test_ctrl_c_ends_it_before_a_step_is_measured(scratch):
    def interrupted():
        raise KeyboardInterrupt

    stop = SimpleNamespace(seconds_to_limit=lambda: 200.0, raise_if_requested=interrupted)
    config = replace(scratch.config, max_epochs=9)
    with pytest.raises(KeyboardInterrupt):
        with_epochs(scratch.run, config, stop=stop, progress=Recorded())


@pytest.mark.parametrize("limit", [None, 119.0])
def test_without_a_limit_or_with_a_short_one_nothing_is_measured(scratch, chosen, limit):
    found, asked, said = chosen(scratch, limit, StepTime(1e6, 0, 1))
    assert (found, asked, said.lines) == (9, [], [])


def test_of_networks_what_is_fine_tuned_on_the_largest_counts(transfer, chosen):
    config = {"families": ("probe", "transfer"), "backbone_sizes": (32, 48), "largest_side": 32}
    assert chosen(transfer, 150, **config)[1] == [("transfer", 0.3)]


def test_a_gpu_is_left_to_the_workers(scratch, chosen, monkeypatch):
    monkeypatch.setattr(epochs_in_time, "detect", lambda: Hardware(("A100",), (8, 0)))
    assert chosen(scratch, 150)[:2] == (9, [])
