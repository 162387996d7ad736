"""Races of backbones with made-up scores."""

from searching import run_config

from search.algorithms.plan import Rung
from search.algorithms.racing.plan import race_of
from search.algorithms.racing.probed import Probed
from search.algorithms.racing.race import Race

SCORES = {"a": 0.9, "b": 0.6, "c": 0.8, "d": 0.7}


def probe(name):
    return {"family": "probe", "probe/backbone": name, "probe/image_size": 160}


CANDIDATES = tuple(map(probe, SCORES))
RACE = Race(
    CANDIDATES,
    CANDIDATES,
    (Rung(0, 4, 0, 1, images=200), Rung(0, 2, 0, 1, images=None, again=2)),
)


def run_to_the_end(race, score):
    """All probes, one after the other, with a score for each (values, rung)."""
    entries = []
    while not (step := race.next(entries)).over:
        value = score(step.values["probe/backbone"], step.rung)
        scored = None if value is None else (value,)
        entries.append(Probed(f"{len(entries):04}", step.values, step.rung, scored, ended=True))
    return entries


def race_of_four(**options):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    return race_of(run_config(families=("probe",), **known, **options))
