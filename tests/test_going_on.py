"""Which backbones go on from a rung whose few images cannot tell all of them apart."""

from raced import race_of_four

from search.algorithms.racing.probed import Probed, going_on


def rung_of(**scores):
    """Backbones of one rung with these scores, the best first."""
    entries = [
        Probed(name, {"family": "probe", "probe/backbone": name}, 0, (score,), ended=True)
        for name, score in scores.items()
    ]
    return sorted(entries, key=lambda entry: entry.score, reverse=True)


def names_of(entries):
    return [entry.trial_id for entry in entries]


def test_of_those_that_few_images_cannot_tell_apart_the_better_on_imagenet_goes_on():
    """218 images have a standard error of 0.027 at 0.807; two of four go on."""
    close = rung_of(
        mobilenet_050=0.808, mobilenet_075=0.807, mobilenet_v2=0.790, mobilenet_025=0.781
    )
    assert names_of(going_on(close, 2, 218)) == ["mobilenet_050", "mobilenet_v2"]
    apart = rung_of(mobilenet_050=0.81, mobilenet_075=0.807, mobilenet_v2=0.77)
    assert names_of(going_on(apart, 2, 218)) == ["mobilenet_050", "mobilenet_075"]
    # Of a hundred times as many the error is a tenth.
    assert names_of(going_on(close, 2, 21800)) == ["mobilenet_050", "mobilenet_075"]


def test_what_is_clearly_ahead_of_the_last_place_goes_on_whatever_imagenet_says():
    scores = rung_of(
        mobilenet_025=0.95, mobilenet_050=0.93, mobilenet_075=0.80, mobilenet_v2=0.79, xception=0.78
    )
    found = names_of(going_on(scores, 3, 218))
    assert found == ["mobilenet_025", "mobilenet_050", "xception"]


def test_all_images_and_losses_decide_alone():
    close = rung_of(mobilenet_050=0.808, mobilenet_075=0.807, mobilenet_v2=0.806)
    assert names_of(going_on(close, 2, None)) == ["mobilenet_050", "mobilenet_075"]
    losses = rung_of(mobilenet_050=-0.808, mobilenet_075=-0.809, mobilenet_v2=-0.8091)
    assert names_of(going_on(losses, 2, 218)) == ["mobilenet_050", "mobilenet_075"]
    assert names_of(going_on(close[:2], 2, 218)) == ["mobilenet_050", "mobilenet_075"]


def test_the_race_goes_by_it():
    race = race_of_four(race_images=(200, 400))
    scores = dict(
        zip(("mobilenet_050", "mobilenet_075", "mobilenet_v2"), (0.8, 0.799, 0.798), strict=True)
    )
    opened = [
        Probed(str(n), values, 0, (scores.get(values["probe/backbone"], 0.5),), ended=True)
        for n, values in enumerate(race.opening)
    ]
    second = [race.next(opened).values["probe/backbone"]]
    assert second == ["mobilenet_050"]
    field = race._field(opened, 1)
    assert {values["probe/backbone"] for values, _ in field} == {"mobilenet_050", "mobilenet_v2"}
