"""Values of options as a user writes them: times, sizes, names, shares."""

import click
import pytest

from search.cli.options.limits import asked_formats
from search.cli.options.values import (
    Duration,
    FileSize,
    ImageSize,
    Names,
    Range,
    Share,
    ShortDuration,
    Sides,
    TimeLimit,
)


def convert(kind, value):
    return kind.convert(value, None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("8h", 28800), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)],
)
def test_a_time_becomes_seconds(text, seconds):
    assert convert(Duration(), text) == seconds


@pytest.mark.parametrize("text", ["", "90", "1h 30m", "h", "-5m", "1h30", "5 minutes"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(click.BadParameter, match="is no time"):
        convert(Duration(), text)


def test_a_limit_of_time_is_above_0():
    assert convert(TimeLimit(), "0.1s") == pytest.approx(0.1)
    with pytest.raises(click.BadParameter, match="no time to do anything in"):
        convert(TimeLimit(), "0s")


@pytest.mark.parametrize(
    ("text", "size"), [("180", (180, 180)), ("120x160", (120, 160)), ("8x4096", (8, 4096))]
)
def test_a_size_is_height_by_width(text, size):
    assert convert(ImageSize(), text) == size


@pytest.mark.parametrize("text", ["", "7", "4097", "120x", "120x7", "x160", "-20", "a"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(click.BadParameter, match="is no size"):
        convert(ImageSize(), text)


def test_names_keep_their_order_without_repeats():
    names = Names(lambda: ("a", "b", "c"))
    assert convert(names, "c, a,c,") == ("c", "a")


@pytest.mark.parametrize(
    ("text", "received"), [("a,x,y", "x, y"), ("", "nothing"), (",", "nothing")]
)
def test_unknown_names_are_refused_with_those_that_are_known(text, received):
    with pytest.raises(click.BadParameter, match=f"received {received}; choose among a, b, c"):
        convert(Names(lambda: ("a", "b", "c")), text)


@pytest.mark.parametrize(("text", "seconds"), [("15ms", 0.015), ("0.5s", 0.5), ("2.5ms", 0.0025)])
def test_a_latency_is_read(text, seconds):
    assert convert(ShortDuration(), text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["15", "ms", "0ms", "-1ms", "1m", "15 ms"])
def test_what_is_no_latency_is_refused(text):
    with pytest.raises(click.BadParameter, match="write 15ms"):
        convert(ShortDuration(), text)


@pytest.mark.parametrize(
    ("text", "count"), [("500KB", 500_000), ("5MB", 5_000_000), ("1.5gb", 1_500_000_000)]
)
def test_a_file_size_is_read(text, count):
    assert convert(FileSize(), text) == count


@pytest.mark.parametrize("text", ["5", "MB", "0MB", "5 MB", "5MiB"])
def test_what_is_no_file_size_is_refused(text):
    with pytest.raises(click.BadParameter, match="write 500KB"):
        convert(FileSize(), text)


@pytest.mark.parametrize(
    ("text", "share"), [("1%", 0.01), ("0.01", 0.01), ("0.5%", 0.005), ("0", 0), ("0%", 0)]
)
def test_a_share_is_read(text, share):
    assert convert(Share(), text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["1", "100%", "%", "-1%", "1 %", "one"])
def test_what_is_no_share_below_1_is_refused(text):
    with pytest.raises(click.BadParameter, match=r"write 1% or 0\.01"):
        convert(Share(), text)


def test_sizes_of_images_come_in_ascending_order_each_once():
    assert convert(Sides(), "1024, 32,224,32") == (32, 224, 1024)


@pytest.mark.parametrize("text", ["", "31", "1025", "160;224", "160,", "160x224", "a"])
def test_what_are_no_sizes_is_refused(text):
    with pytest.raises(click.BadParameter, match="write sizes as 160,224"):
        convert(Sides(), text)


def test_a_range_is_a_name_and_two_numbers():
    assert convert(Range(), "learning_rate=1e-4:0.1") == ("learning_rate", 1e-4, 0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((text, "is no range") for text in ("x", "x=1", "=1:2", "x=1:2:3", "x=a:b", "x=1:inf")),
        *((text, "must be the smaller one") for text in ("x=1:1", "x=2:1")),
    ],
)
def test_what_is_no_range_is_refused(text, message):
    with pytest.raises(click.BadParameter, match=message):
        convert(Range(), text)


def test_formats_are_asked_for_by_name_and_by_flags_of_their_own_each_once():
    both = ("onnx", "litert-int8")
    assert asked_formats(("onnx",), {"int8": True}) == both
    assert asked_formats(both, {"int8": True}) == both
    assert asked_formats(("onnx",), {"int8": False}) == ("onnx",)
