"""How the values of a configuration came about."""

RACE = "race"  # a probe of the race of backbones
KNOWN_GOOD = "known-good"  # given: a baseline, or a preset
EARLIER = "earlier"  # given: of the best of the run that is updated
RANDOM = "random"  # drawn without regard to any result
PRIOR = "prior"  # drawn around a known-good configuration
MODEL = "model"  # drawn where earlier configurations were good

GIVEN = (RACE, KNOWN_GOOD, EARLIER)

ORIGINS = {
    RACE: "race of backbones",
    KNOWN_GOOD: "built-in",
    EARLIER: "of the earlier run",
    RANDOM: "at random",
    PRIOR: "around built-in",
    MODEL: "by what was seen",
}
"""Each, and what it is called."""
