"""What is remembered of earlier checks: it holds, it is kept, and it takes little memory."""

import dataclasses
import errno
import json
import math
import os
import tracemalloc

import numpy as np
import pytest
from drawing import draw

from data_pipeline.catalog import found_copies
from data_pipeline.catalog.cache import load_entries
from data_pipeline.catalog.entry import Entry
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.near_duplicates.duplicates import copy_ids
from data_pipeline.pixels.resize import resize
from data_pipeline.preparation import checks
from data_pipeline.preparation import prepare as module
from data_pipeline.preparation.prepare import open_catalog, prepare
from data_pipeline.processes.limits import Failure


def test_only_new_and_changed_files_are_checked_again(photos, cache_dir, in_process):
    before = open_catalog(photos, cache_dir=cache_dir)
    in_process.clear()
    draw(50).save(photos / "cat" / "cat_1.png")
    draw(51).save(photos / "dog" / "new.png")
    (photos / "dog" / "dog_0.png").unlink()
    after = open_catalog(photos, cache_dir=cache_dir)
    assert sorted(in_process) == ["cat/cat_1.png", "dog/new.png"]
    assert "dog/dog_0.png" not in {entry.path for entry in after.entries}
    assert after.fingerprint != before.fingerprint


def test_pixels_follow_changed_files(photos, cache_dir, in_process):
    _, (before,) = prepare(photos, image_sizes=[(16, 16)], cache_dir=cache_dir)
    draw(50).save(photos / "cat" / "cat_1.png")
    catalog, (after,) = prepare(photos, image_sizes=[(16, 16)], cache_dir=cache_dir)
    assert after.fingerprint != before.fingerprint
    row = [entry.path for entry in catalog.kept].index("cat/cat_1.png")
    assert np.array_equal(after.open()[row], resize(np.asarray(draw(50)), (16, 16)))


@pytest.mark.parametrize(
    "reason",
    [
        "took over 10 s of processor time",
        "took over 10 s",  # as older versions say
        "no answer in 120 s",
        "killed its decoder: exit code -9",
        "out of memory",
        "changed while",
    ],
)
def test_what_may_have_been_the_machines_fault_is_looked_at_again(
    photos, cache_dir, in_process, monkeypatch, reason
):
    here = module.run_in_workers

    def fail_one(function, tasks, *, workers=None):
        for task, result in here(function, tasks):
            unlucky = task.file.path == "cat/cat_1.png"
            yield task, Failure(reason) if unlucky else result

    monkeypatch.setattr(module, "run_in_workers", fail_one)
    catalog, _ = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert [entry.reason for entry in catalog.entries if entry.reason] == [reason]
    in_process.clear()
    same, _ = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert same == catalog
    assert in_process == ["cat/cat_1.png"]  # and not the seven others, to write their pixels
    monkeypatch.setattr(module, "run_in_workers", here)
    catalog, (pixels,) = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert len(catalog.kept) == len(pixels.open()) == 8
    in_process.clear()
    assert open_catalog(photos, cache_dir=cache_dir) == catalog
    assert in_process == []


def test_what_was_checked_before_an_interruption_is_not_checked_again(
    photos, cache_dir, in_process
):
    def interrupt(done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_catalog(photos, cache_dir=cache_dir, progress=interrupt)
    in_process.clear()
    assert len(open_catalog(photos, cache_dir=cache_dir).kept) == 8
    assert len(in_process) == 3
    with pytest.raises(KeyboardInterrupt):
        prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir, progress=interrupt)
    assert list((cache_dir / "prepared").iterdir()) == []


def test_a_broken_cache_is_remade_with_a_warning(photos, cache_dir, in_process):
    first = open_catalog(photos, cache_dir=cache_dir)
    (saved,) = (cache_dir / "catalogs").iterdir()
    whole = saved.read_bytes()
    for broken in (
        whole[:-20],
        whole[:5],
        whole.replace(b'"kept"', b'"gone"'),
        whole.replace(b'"I32", "shape": [8]', b'"I32", "shape": [2]', 1),
        whole.replace(b'\\"cat\\"', b'\\"cat\\ ', 1),
    ):
        assert broken != whole
        saved.write_bytes(broken)
        in_process.clear()
        with pytest.warns(UserWarning, match="checked anew"):
            assert open_catalog(photos, cache_dir=cache_dir) == first
        assert len(in_process) == 8


def test_checks_that_an_older_version_wrote_as_json_still_hold(photos, cache_dir, in_process):
    (photos / "cat" / "words.jpg").write_text("words")
    first = open_catalog(photos, cache_dir=cache_dir)
    (saved,) = (cache_dir / "catalogs").iterdir()
    made_by = ColumnFile(saved).metadata["made_by"]
    saved.unlink()
    older = saved.with_suffix(".json")
    fields = [field.name for field in dataclasses.fields(Entry)]
    order = [*fields[:11], "group", "verdict", "reason"]
    assert sorted(order) == sorted(fields)
    rows = [[getattr(entry, name) for name in order] for entry in first.entries]
    values = {"root": str(photos), "labels": ["cat", "dog"], "fields": order, "entries": rows}
    older.write_text(json.dumps({"made_by": made_by, "catalog": values}))
    in_process.clear()
    assert open_catalog(photos, cache_dir=cache_dir) == first
    assert in_process == []
    assert list((cache_dir / "catalogs").iterdir()) == [saved], "read in pieces from now on"
    assert open_catalog(photos, cache_dir=cache_dir) == first
    draw(99).save(photos / "cat" / "new.png")
    assert len(open_catalog(photos, cache_dir=cache_dir).entries) == 10
    assert in_process == ["cat/new.png"]
    assert list((cache_dir / "catalogs").iterdir()) == [saved]
    values["fields"] = order[:3]
    older.write_text(json.dumps({"made_by": made_by, "catalog": values}))
    saved.unlink()
    with pytest.warns(UserWarning, match=r"json: .* checked anew"):
        assert len(open_catalog(photos, cache_dir=cache_dir).entries) == 10


def test_a_file_with_a_problem_leaves_what_is_remembered_where_it_lies(
    photos, cache_dir, in_process, monkeypatch
):
    (photos / "cat" / "gone.jpg").symlink_to(photos / "nothing")
    first = open_catalog(photos, cache_dir=cache_dir)
    assert [entry.path for entry in first.entries if entry.reason] == ["cat/gone.jpg"]

    def copied(*_):
        raise AssertionError("all sketches were copied")

    monkeypatch.setattr(checks.Checks, "_new_file", copied)
    assert open_catalog(photos, cache_dir=cache_dir) == first


def test_a_cache_that_cannot_be_written_costs_the_memory_of_copies_alone(
    photos, cache_dir, in_process, monkeypatch
):
    catalog = open_catalog(photos, cache_dir=cache_dir)

    def refused(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(found_copies, "write_columns", refused)
    with pytest.warns(UserWarning, match="copies: cannot be written .*Read-only"):
        assert len(copy_ids(catalog)) == 8


def test_checks_are_saved_as_they_come_for_whoever_is_killed(
    photos, cache_dir, in_process, monkeypatch
):
    """The last save, which a kill leaves out, fails here."""
    monkeypatch.setattr(module, "_SAVE_AFTER", 0.0)
    monkeypatch.setattr(module, "_SAVING_SHARE", math.inf)
    saved, real = [], module.save_catalog

    def save(catalog, *rest):
        real(catalog, *rest)
        saved.append(len(catalog.entries))

    monkeypatch.setattr(module, "save_catalog", save)
    checked = []

    def killed(done, count):
        checked.append(done)
        if done == 3:
            monkeypatch.setattr(module, "save_catalog", lambda *_: None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_catalog(photos, cache_dir=cache_dir, progress=killed)
    assert saved == [1, 2]
    assert len(load_entries(photos, cache_dir)) == 2


def test_what_is_known_of_a_file_takes_a_few_hundred_bytes(photos, cache_dir):
    """With nothing changed: a sketch alone had taken a thousand in memory."""
    for number in range(10_000):
        os.link(photos / "cat" / "cat_0.png", photos / "cat" / f"{number:05}.png")
    small = open_catalog(photos, cache_dir=cache_dir, workers=1)
    assert len(small.kept) == 10_008
    tracemalloc.start()
    again = open_catalog(photos, cache_dir=cache_dir)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert again == small
    assert held / 10_000 < 200
    assert peak / 10_000 < 700


def test_tasks_and_results_of_workers_are_not_held(photos, cache_dir, monkeypatch):
    """Checks are made one after the other, and their tasks with them."""
    for number in range(3_000):
        os.link(photos / "cat" / "cat_0.png", photos / "cat" / f"{number:05}.png")
    one, known = [], {}

    def run_here(function, tasks, *, workers=None):
        for number in range(0, len(tasks), 16):
            for task in tasks[number : number + 16]:
                # As a worker sends it: an entry of its own.
                known["entry"] = known.get("entry") or function(task)
                yield task, dataclasses.replace(known["entry"], path=task.file.path)
            if number in (320, 2880):
                one.append(tracemalloc.get_traced_memory()[0])

    monkeypatch.setattr(module, "run_in_workers", run_here)
    tracemalloc.start()
    open_catalog(photos, cache_dir=cache_dir)
    tracemalloc.stop()
    assert (one[1] - one[0]) / 2560 < 100
