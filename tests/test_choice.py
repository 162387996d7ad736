"""Which configuration is exported, and what is said of the search."""

from dataclasses import replace

import numpy as np
import pytest
from finished_runs import finished_run, made_up
from stopping import NEVER

from search.errors import TuneError
from search.formats.cost import Budget, Cost, Costs
from search.process.atomic_files import read_json, write_array
from search.process.progress import Silent
from search.run_folder.record_files import load_records
from search.run_folder.schema import to_json
from search.selection import choice as module
from search.selection.beyond_luck import beyond_luck
from search.selection.candidates import candidates
from search.selection.choice import choose
from search.selection.finalists import compared

QUIET = Silent()
FOUR = [("cnn", 0.5), ("xception", 0.6), ("cnn", 0.9), ("cnn", 0.8)]


@pytest.fixture(autouse=True)
def all_known_good(monkeypatch):
    """However far behind they are: which are left out is a test of its own."""
    monkeypatch.setattr("search.selection.candidates._HOPELESS", 1e9)


@pytest.fixture
def run(scratch, tmp_path):
    """Four configurations, the first two known-good, and 400 validation images."""
    found = finished_run(scratch, tmp_path, FOUR)
    return replace(found, validation=np.resize(found.validation, 400))


def costs_of(run):
    return Costs(run, ("keras",), stop=NEVER, progress=QUIET)


def choice_of(run, costs, **wished):
    settled = {"budget": Budget(), "top": 3, "seeds": 0, "cheaper_within": 0.01}
    return choose(run, costs, stop=NEVER, progress=QUIET, **(settled | wished))


class MadeUp(Costs):
    """Costs as a test says, by filters or blocks; remembers what was asked."""

    def __init__(self, by_id, run):
        super().__init__(run, ("keras",), stop=NEVER, progress=QUIET)
        self.by_id = by_id

    def of(self, values):
        found = self.by_id[values["name"]]
        self.known[values["name"]] = found
        return found

    def measured(self, values):
        return self.known.get(values["name"])


@pytest.fixture
def chosen(run, monkeypatch):
    """Choose, where further trainings reach the given accuracies and cost the given seconds."""

    def function(accuracies, *, seconds=None, budget=None, seeds=3, top=2, cheaper_within=0.01):
        def train_again(experiment, records, *, within, **_):
            trained = {
                record.configuration: [made_up(run, accuracies[record.configuration])] * seeds
                for record in records
            }
            return compared(run, records, trained, within=within)

        for record in load_records(run.run):
            named = {**record.values, "name": record.configuration}
            record.with_outcome(values=named).save(run.run)
        monkeypatch.setattr(module, "train_again", train_again)
        prices = {name: price and Cost(price, 1000) for name, price in (seconds or {}).items()}
        costs = MadeUp({name: prices.get(name, Cost(0.01, 1000)) for name in accuracies}, run)
        wished = {"top": top, "seeds": seeds, "cheaper_within": cheaper_within}
        return choice_of(run, costs, budget=budget or Budget(), **wished)

    return function


def asked(run, records):
    """The two best of these, and the known-good ones."""
    judged_on = len(run.validation)
    return candidates(records, run.config, top=2, fits=lambda _: True, judged_on=judged_on)


def winner(choice):
    return choice.winner.record.configuration


def test_the_best_when_trained_again_is_chosen_not_the_best_of_the_search(chosen):
    found = chosen({"0002": 0.7, "0003": 0.9, "0001": 0.5, "0000": 0.5})
    assert winner(found) == "0003"
    assert found.predictions.shape == (3, 400, 2)
    assert [row.configuration for row in found.rows()][0] == "0003"
    assert [row.chosen for row in found.rows()] == [True, False, False, False]


def test_of_equals_the_cheapest_is_chosen(chosen):
    equal = {"0002": 0.9, "0003": 0.9, "0001": 0.5, "0000": 0.5}
    cheaper = chosen(equal, seconds={"0002": 0.02, "0003": 0.01})
    assert winner(cheaper) == "0003"
    said = "cheaper to run and is shown to be as good within 0.01."
    assert cheaper.verdict.endswith(f"Exported is a configuration that is {said}")
    best = chosen(equal, seconds={"0002": 0.0105, "0003": 0.01})
    assert winner(best) == "0002"
    assert "cheaper" not in best.verdict
    # The price of what is clearly worse does not matter.
    assert winner(chosen(equal, seconds={"0002": 0.02, "0003": 0.01, "0001": 0.001})) == "0003"


def test_a_cheaper_one_that_is_not_shown_to_be_as_good_is_not_chosen(chosen):
    near = {"0002": 0.9, "0003": 0.895, "0001": 0.5, "0000": 0.5}
    cheap = {"0002": 0.02, "0003": 0.01}
    found = chosen(near, seconds=cheap)
    assert winner(found) == "0002"
    assert found.costs == {}  # it could change nothing, so it was not measured
    assert winner(chosen(near, seconds=cheap, cheaper_within=0.1)) == "0003"
    equal = near | {"0003": 0.9}
    assert winner(chosen(equal, seconds=cheap, cheaper_within=0)) == "0002"
    assert winner(chosen(equal, seconds=cheap, seeds=1)) == "0002"


def test_nothing_is_cheaper_than_a_leader_whose_cost_is_not_known(chosen):
    equal = {"0002": 0.9, "0003": 0.9, "0001": 0.5, "0000": 0.5}
    assert winner(chosen(equal, seconds={"0002": None, "0003": 0.01})) == "0002"


def test_a_search_that_found_nothing_better_says_so(chosen):
    found = chosen({"0002": 0.6, "0003": 0.6, "0001": 0.8, "0000": 0.5})
    assert found.verdict.startswith(
        "The search found nothing better than the built-in configuration"
    )
    assert "xception" in found.verdict
    maybe = chosen({"0002": 0.81, "0003": 0.6, "0001": 0.805, "0000": 0.5})
    assert "nothing better" in maybe.verdict
    assert "may be chance" in maybe.verdict


def test_a_search_that_found_something_better_says_by_how_much(chosen):
    found = chosen({"0002": 0.9, "0003": 0.6, "0001": 0.7, "0000": 0.5})
    assert found.verdict.startswith("The best is 0.2000 (95 % interval 0.1")


def test_one_training_of_each_does_not_show_how_much_trainings_differ(chosen):
    found = chosen({"0002": 0.9, "0003": 0.6, "0001": 0.7, "0000": 0.5}, seeds=1)
    assert found.verdict.startswith("The best is 0.2000 ahead of the built-in configuration")
    assert "after one training of each; how much trainings differ is not known" in found.verdict


def test_what_was_chosen_from_is_written_down(chosen, run):
    found = chosen({"0002": 0.9, "0003": 0.6, "0001": 0.7, "0000": 0.5})
    assert read_json(run.run.finalists) == to_json(found.rows())
    row = found.rows()[1]
    assert (row.trainings, row.known_good, row.as_good) == (3, True, False)
    assert row.mean == pytest.approx(0.7)
    assert row.score_in_search == 0.6


def test_the_price_of_an_ensemble_is_that_of_its_members(chosen):
    prices = {"0002": 0.02, "0003": 0.01}
    found = chosen({"0002": 0.9, "0003": 0.9, "0001": 0.5, "0000": 0.5}, seconds=prices)
    assert found.ensemble.members == ("0002", "0003")
    assert found.ensemble.latency == pytest.approx(0.03)
    # It decides nothing: where no member was measured to choose between them, none is for this.
    found = chosen({"0002": 0.9, "0003": 0.8, "0001": 0.5, "0000": 0.5}, seconds=prices)
    assert found.ensemble.members == ("0002", "0003")
    assert found.ensemble.latency is None


def test_only_what_keeps_to_the_budget_is_chosen(chosen):
    accuracies = {"0002": 0.9, "0003": 0.8, "0001": 0.5, "0000": 0.5}
    found = chosen(accuracies, seconds={"0002": 0.02}, budget=Budget(latency=0.015))
    assert winner(found) == "0003"
    with pytest.raises(TuneError, match="no finished configuration keeps to 1 ms"):
        chosen(accuracies, budget=Budget(latency=0.001))


def test_without_further_seeds_the_search_is_taken_at_its_word(run):
    found = choice_of(replace(run, validation=run.validation[:6]), costs_of(run))
    assert winner(found) == "0002"
    assert found.predictions.shape == (1, 6, 2)
    assert (found.verdict, found.ensemble) == ("", None)


def test_a_search_without_a_result_names_the_way_on(scratch, tmp_path):
    empty = finished_run(scratch, tmp_path, [])
    with pytest.raises(
        TuneError, match=f"no trial has finished yet.*tune run --resume {empty.run.argument}"
    ):
        choice_of(empty, costs_of(empty))


BACKBONE = {"backbone": "mobilenet_v2", "image_size": 160}


def as_probe(run, name):
    """The same run in which a configuration is a probe."""
    become(run, name, "probe", baseline=True)


def become(run, name, family, *, baseline=False, **more):
    """Give a configuration the values of a probe, or of what is trained on the same backbone."""
    record = next(r for r in load_records(run.run) if r.configuration == name)
    values = {f"{family}/{key}": value for key, value in (BACKBONE | more).items()}
    if family != "probe":
        values = {**record.values, **values}
    record.with_outcome(values={**values, "family": family}, baseline=baseline).save(run.run)


def wrong_on(run, first, last):
    """Predictions of the images to validate on, right on all but those from first to last."""
    right = ~np.isin(np.arange(len(run.validation)), range(first, last))
    targets = run.targets[run.validation]
    answers = np.where(right, targets, 1 - targets)
    return (0.1 + 0.8 * np.eye(2)[answers]).astype(np.float32)


def test_a_heads_lead_over_a_probe_within_one_standard_error_is_luck(run, chosen):
    as_probe(run, "0001")
    become(run, "0002", "transfer", unfreeze=0.0, head_units=64)
    clear = chosen({"0002": 0.9, "0003": 0.5, "0001": 0.85, "0000": 0.5})
    assert winner(clear) == "0002"
    assert "standard error" not in clear.verdict
    as_good = chosen({"0002": 0.9, "0003": 0.5, "0001": 0.9, "0000": 0.5})
    assert winner(as_good) == "0001"


@pytest.mark.parametrize(("unfrozen", "by_luck"), [(0.0, True), (0.3, False)])
def test_without_further_seeds_a_heads_lead_over_a_probe_may_be_luck_too(run, unfrozen, by_luck):
    as_probe(run, "0001")
    become(run, "0002", "transfer", unfreeze=unfrozen, head_units=64)

    def found(wrong_of_probe):
        write_array(run.run.predictions("0002"), wrong_on(run, 0, 40))
        write_array(run.run.predictions("0001"), wrong_on(run, 20, 60 + wrong_of_probe))
        write_array(run.run.predictions("0003"), wrong_on(run, 0, 200))
        return choice_of(run, costs_of(run))

    # They differ on 50 of 400 images: one standard error is 0.018, or 7 images.
    clear = found(10)
    assert (winner(clear), clear.verdict, len(clear.rows())) == ("0002", "", 3)
    near = found(4)
    assert winner(near) == ("0001" if by_luck else "0002")
    if not by_luck:
        assert near.verdict == ""
        return
    assert near.verdict.startswith("Exported is 0001 probe mobilenet_v2, 160 px: 0002 transfer")
    assert "is better by 0.0100 on the images to validate on" in near.verdict
    assert "ahead of the best probe by no more than one standard error" in near.verdict
    assert [row.chosen for row in near.rows()] == [False, True, False]
    np.testing.assert_array_equal(near.predictions[0], wrong_on(run, 20, 64))


def test_of_two_probes_the_one_that_cross_validation_prefers_is_exported(run, chosen):
    for name, value in (("0001", 0.9), ("0002", 0.8)):
        as_probe(run, name)
        record = next(r for r in load_records(run.run) if r.configuration == name)
        record.best_logs["cross_validated"] = value
        record.save(run.run)
    few = replace(run, validation=run.validation[:6])
    assert winner(choice_of(few, costs_of(few))) == "0001"
    found = chosen({"0002": 0.9, "0003": 0.5, "0001": 0.6, "0000": 0.5}, top=3)
    assert winner(found) == "0001"
    assert "but not when both are cross-validated" in found.verdict


@pytest.mark.parametrize(("wrong", "expected"), [(61, "0003"), (65, "0001")])
def test_where_a_heads_lead_is_luck_what_is_fine_tuned_needs_half_a_standard_error(
    run, wrong, expected
):
    as_probe(run, "0001")
    become(run, "0002", "transfer", unfreeze=0.0, head_units=64)
    become(run, "0003", "transfer", unfreeze=0.3)
    # The head has 8 images more right than the probe, where one standard error is 9.
    write_array(run.run.predictions("0002"), wrong_on(run, 0, 40))
    write_array(run.run.predictions("0001"), wrong_on(run, 40, 88))
    write_array(run.run.predictions("0003"), wrong_on(run, 20, wrong))
    found = choice_of(run, costs_of(run))
    assert winner(found) == expected
    assert "ahead of the best probe by no more than one standard error" in found.verdict


def test_the_best_that_is_fine_tuned_is_a_candidate_however_many_heads_are_better(run):
    for name in ("0001", "0002", "0003"):
        known = name == "0003"  # a head takes the place of the best known-good one of its family
        become(run, name, "transfer", baseline=known, unfreeze=0.0, head_units=64)
    become(run, "0000", "transfer", baseline=True, unfreeze=0.3)
    found = asked(run, load_records(run.run))
    assert [record.configuration for record in found] == ["0002", "0003", "0000"]


def test_where_a_head_leads_by_luck_the_probe_is_the_one_that_cross_validation_prefers(run):
    for name, value in (("0001", 0.9), ("0003", 0.8)):
        as_probe(run, name)
        record = next(r for r in load_records(run.run) if r.configuration == name)
        record.best_logs["cross_validated"] = value
        record.save(run.run)
    become(run, "0002", "transfer", unfreeze=0.0, head_units=64)
    records = {record.configuration: record for record in load_records(run.run)}
    predictions = {"0002": (0, 40), "0001": (40, 86), "0003": (40, 84)}
    finalists = compared(
        run,
        [records[name] for name in ("0002", "0001", "0003")],
        {name: [wrong_on(run, *wrong)] for name, wrong in predictions.items()},
    )
    assert beyond_luck(finalists[0], finalists).record.configuration == "0001"


def test_of_probes_that_saw_a_part_of_the_images_the_one_that_is_best_on_all_is_exported(run):
    """As after Ctrl-C in the race: their order is that on a few images."""
    for name in ("0001", "0003"):
        as_probe(run, name)
        record = next(r for r in load_records(run.run) if r.configuration == name)
        record.with_outcome(images=200).save(run.run)
    records = {record.configuration: record for record in load_records(run.run)}
    predictions = {"0001": (0, 80), "0003": (0, 20)}
    finalists = compared(
        run,
        [records[name] for name in predictions],
        {name: [wrong_on(run, *wrong)] for name, wrong in predictions.items()},
    )
    leader = finalists[1]
    assert beyond_luck(leader, finalists) is leader


@pytest.mark.parametrize(("whole", "expected"), [(("0001",), ["0001"]), ((), ["0001", "0002"])])
def test_what_lost_the_race_is_a_candidate_only_where_nothing_else_is(run, whole, expected):
    records = []
    for name, images in (("0001", 400), ("0002", 200), ("0003", 200)):
        as_probe(run, name)
        record = next(r for r in load_records(run.run) if r.configuration == name)
        records.append(record.with_outcome(images=None if name in whole else images))
    found = asked(run, records)
    assert [record.configuration for record in found] == expected
