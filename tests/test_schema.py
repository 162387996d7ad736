"""Dataclasses as JSON: what is written, and what files of other versions give."""

from dataclasses import dataclass
from typing import Literal

import pytest

from search.errors import TuneError
from search.run_folder.schema import (
    OtherVersionError,
    from_json,
    named,
    omitted,
    require_types,
    to_json,
)


@dataclass(frozen=True)
class Inner:
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Outer:
    images: int = named("pictures")
    top5: float | None = omitted()
    pair: tuple[float, float]
    rows: tuple[Inner, ...]
    best: Inner | None
    added: int = 7
    by_name: dict[str, float] | None = omitted()
    mixed: dict[str, bool | int | str] | None = omitted()
    kind: Literal["one", "two"] = omitted("one")


JSON = {
    "pictures": 3,
    "pair": [1, 2.5],
    "rows": [{"low": 0, "high": 1.0}],
    "best": None,
    "added": 7,
}


def test_the_order_of_fields_is_that_of_keys_and_defaults_are_left_out_where_they_may_be():
    value = from_json(Outer, JSON, file="x.json")
    assert value == Outer(images=3, pair=(1, 2.5), rows=(Inner(0, 1.0),), best=None)
    assert list(to_json(value).items()) == list(JSON.items())
    assert to_json(from_json(Outer, JSON | {"top5": 0.5}, file=""))["top5"] == 0.5
    assert list(to_json(from_json(Outer, JSON | {"top5": 0.5}, file="")))[1] == "top5"


def test_what_an_older_version_did_not_write_has_its_default_and_unknown_keys_are_ignored():
    older = {key: value for key, value in JSON.items() if key != "added"} | {"newer": 1}
    assert from_json(Outer, older, file="x.json").added == 7


def test_a_missing_key_is_named_with_its_file_and_the_version_that_wrote_it():
    lacking = {key: value for key, value in JSON.items() if key not in ("pictures", "pair")}
    with pytest.raises(OtherVersionError, match=r"^x\.json: has no 'pictures' and no 'pair'; tune"):
        from_json(Outer, lacking, file="x.json", made_by="tune 0.0.9")
    with pytest.raises(OtherVersionError, match="an older version of tune wrote it"):
        from_json(Outer, JSON | {"rows": [{"low": 0}]}, file="x.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"pair": 3},
        {"pair": [1]},
        {"rows": {"low": 1}},
        {"rows": [3]},
        {"best": [1]},
        {"pictures": "3"},
        {"pictures": 3.5},
        {"pictures": True},
        {"top5": "0.5"},
        {"pair": ["a", 1]},
        {"rows": [{"low": None, "high": 1}]},
        {"by_name": [1]},
        {"by_name": {"a": "b"}},
        {"mixed": {"a": None}},
        {"kind": "other"},
    ],
)
def test_a_value_of_another_kind_is_an_error_that_names_the_file(changes):
    with pytest.raises(TuneError, match=r"^x\.json: not as tune writes it"):
        from_json(Outer, JSON | changes, file="x.json")


def test_what_is_no_object_is_an_error():
    with pytest.raises(TuneError, match="expected an object for Outer"):
        from_json(Outer, [], file="x.json")


def test_values_of_the_right_kind_are_taken_whichever_of_several_it_is():
    mixed = {"a": True, "b": 3, "c": "text"}
    read = from_json(Outer, JSON | {"mixed": mixed, "by_name": {"x": 1}, "kind": "two"}, file="")
    assert (read.mixed, read.by_name, read.kind) == (mixed, {"x": 1}, "two")


def test_values_that_are_read_otherwise_are_held_to_the_same_types():
    require_types(Outer, {"images": 3, "unknown": "x"}, file="x.json")
    with pytest.raises(TuneError, match=r"^x\.json: images is not as tune writes it"):
        require_types(Outer, {"images": "3"}, file="x.json")
