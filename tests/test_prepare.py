import csv
import dataclasses
import errno
import json
import math
import os
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from drawing import draw

from data_pipeline.catalog import found_copies
from data_pipeline.catalog.cache import load_entries
from data_pipeline.catalog.entry import Entry
from data_pipeline.catalog.table import Entries
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.decoding.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.near_duplicates.duplicates import copy_ids
from data_pipeline.pixels.resize import resize
from data_pipeline.pixels.resize_mode import RESIZE_MODES
from data_pipeline.preparation import checks
from data_pipeline.preparation import prepare as module
from data_pipeline.preparation.prepare import open_catalog, prepare
from data_pipeline.processes.limits import Failure


@pytest.fixture
def in_process(monkeypatch):
    """Check files here instead of in workers, and record which."""
    checked = []

    def run_here(function, tasks, *, workers=None):
        for task in tasks:
            checked.append(task.file.path)
            yield task, function(task)

    monkeypatch.setattr(module, "run_in_workers", run_here)
    return checked


def _forbid(*_, **__):
    raise AssertionError("a file was decoded again")


def test_rows_are_the_upright_resized_images_in_the_order_of_kept(sample):
    catalog, pixels = sample
    array = pixels.open()
    assert array.dtype == np.uint8
    assert array.shape == (len(catalog.kept), 32, 32, 3)
    for row, entry in zip(array, catalog.kept, strict=True):
        assert np.array_equal(row, resize(read_upright(catalog.root / entry.path), (32, 32)))


def test_the_planted_troubles_are_found_and_the_odd_but_valid_kept(sample):
    catalog, _ = sample
    bad = {entry.path: entry.reason for entry in catalog.entries if entry.verdict == "bad"}
    assert bad == {
        "checked/cut_short.jpg": "truncated",
        "dotted/empty.jpg": "empty file",
        "striped/notes.jpg": "not an image",
    }
    kept = {entry.path: entry for entry in catalog.kept}
    assert kept["checked/really_a_gif.jpg"].format == "GIF"
    assert kept["dotted/for_print.jpg"].format == "JPEG"
    assert len(kept["striped/lying_down.jpg"].sketch) == 940


def test_a_second_run_decodes_nothing(sample, monkeypatch):
    catalog, pixels = sample
    monkeypatch.setattr(module, "run_in_workers", _forbid)
    cache_dir = pixels.path.parents[1]
    again, (same,) = prepare(catalog.root, image_sizes=[(32, 32)], cache_dir=cache_dir)
    assert again == catalog
    assert same == pixels
    assert open_catalog(catalog.root, cache_dir=cache_dir) == catalog


def test_several_sizes_are_made_while_a_file_is_decoded_once(photos, cache_dir, in_process):
    sizes = [(8, 8), (16, 12)]
    catalog, prepared = prepare(photos, image_sizes=sizes, cache_dir=cache_dir)
    assert [pixels.open().shape[:3] for pixels in prepared] == [(8, 8, 8), (8, 16, 12)]
    assert len(in_process) == len(catalog.entries)
    _, (middle, again) = prepare(photos, image_sizes=[(12, 12), (8, 8)], cache_dir=cache_dir)
    assert (again, middle.open().shape[1:3]) == (prepared[0], (12, 12))
    assert len(in_process) == 2 * len(catalog.entries)


def test_a_second_run_does_not_import_tensorflow(sample):
    catalog, pixels = sample
    program = (
        "import sys; from pathlib import Path;"
        "from data_pipeline.preparation.prepare import prepare;"
        "prepare(Path(sys.argv[1]), image_sizes=[(32, 32)], cache_dir=Path(sys.argv[2]));"
        "sys.exit('tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", program, catalog.root, pixels.path.parents[1]]
    assert subprocess.run(command, check=False).returncode == 0


def test_another_size_decodes_the_kept_files_once_and_with_one_decoder(
    photos, cache_dir, in_process, monkeypatch
):
    (photos / "cat" / "words.jpg").write_text("words")
    prepare(photos, image_sizes=[(16, 16)], cache_dir=cache_dir)
    in_process.clear()
    monkeypatch.setattr("data_pipeline.preparation.check.require_decodable", _forbid)
    catalog, (pixels,) = prepare(photos, image_sizes=[(8, 12)], cache_dir=cache_dir)
    assert in_process == [entry.path for entry in catalog.kept]
    assert pixels.open().shape == (8, 8, 12, 3)


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


def test_a_file_that_only_pillow_reads_is_bad(photos, cache_dir, in_process):
    contents = bytearray((photos / "cat" / "cat_0.png").read_bytes())
    contents[-13] ^= 255  # in the checksum of the last data chunk, which Pillow passes over
    (photos / "cat" / "cat_0.png").write_bytes(contents)
    assert read_upright(photos / "cat" / "cat_0.png").shape == (30, 40, 3)
    catalog, (pixels,) = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert catalog.entries[0].reason.startswith("TensorFlow: ")
    assert len(pixels.open()) == 7


def test_pixels_follow_changed_files(photos, cache_dir, in_process):
    _, (before,) = prepare(photos, image_sizes=[(16, 16)], cache_dir=cache_dir)
    draw(50).save(photos / "cat" / "cat_1.png")
    catalog, (after,) = prepare(photos, image_sizes=[(16, 16)], cache_dir=cache_dir)
    assert after.fingerprint != before.fingerprint
    row = [entry.path for entry in catalog.kept].index("cat/cat_1.png")
    assert np.array_equal(after.open()[row], resize(np.asarray(draw(50)), (16, 16)))


def test_a_file_changed_between_look_and_decoding_is_checked_in_full(
    photos, cache_dir, in_process, monkeypatch
):
    catalog = open_catalog(photos, cache_dir=cache_dir)
    path, old = photos / "cat" / "cat_0.png", catalog.entries[0]
    draw(60).save(path)
    with path.open("ab") as file:
        file.write(bytes(max(0, old.bytes - path.stat().st_size)))
    os.utime(path, ns=(old.mtime_ns, old.mtime_ns))
    if path.stat().st_size != old.bytes:
        known = checks.load_entries

        def with_this_size(*arguments):
            first, *others = known(*arguments)
            return Entries.of([dataclasses.replace(first, bytes=path.stat().st_size), *others])

        monkeypatch.setattr(checks, "load_entries", with_this_size)
    again, _ = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert again.entries[0].content_hash != old.content_hash


def test_a_file_deleted_after_the_look_is_bad_and_no_crash(photos, cache_dir, monkeypatch):
    def delete_first(function, tasks, *, workers=None):
        (photos / tasks[0].file.path).unlink()
        return ((task, function(task)) for task in tasks)

    monkeypatch.setattr(module, "run_in_workers", delete_first)
    catalog, (pixels,) = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert catalog.entries[0].reason.startswith("unreadable: No such file")
    assert len(pixels.open()) == len(catalog.kept) == 7


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


def test_memory_that_runs_out_over_one_image_costs_that_image(
    photos, cache_dir, in_process, monkeypatch
):
    def eat(*_, **__):
        raise MemoryError

    monkeypatch.setattr("data_pipeline.preparation.check.resize", eat)
    with pytest.raises(DataError, match="none of 8 files"):
        prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    monkeypatch.undo()


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


def test_a_broken_pixel_file_is_remade(photos, cache_dir, in_process):
    _, (pixels,) = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    whole = pixels.path.read_bytes()
    pixels.path.write_bytes(whole[:-1])
    prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert pixels.path.read_bytes() == whole


def test_each_way_to_fit_an_image_has_pixels_of_its_own(photos, cache_dir, in_process):
    wanted = {"image_sizes": [(8, 12)], "cache_dir": cache_dir}
    for mode in RESIZE_MODES:
        catalog, (pixels,) = prepare(photos, resize_mode=mode, **wanted)
        picture = read_upright(catalog.root / catalog.kept[0].path)
        assert np.array_equal(pixels.open()[0], resize(picture, (8, 12), resize_mode=mode))


def test_no_usable_image_is_an_error(tmp_path, cache_dir, in_process):
    for label in ("cat", "dog"):
        (tmp_path / "words" / label).mkdir(parents=True)
        (tmp_path / "words" / label / "words.jpg").write_text("words")
    with pytest.raises(DataError, match="none of 2 files is a usable image"):
        prepare(tmp_path / "words", image_sizes=[(8, 8)], cache_dir=cache_dir)


def test_a_full_disk_is_an_error_and_not_a_bad_file(photos, cache_dir, in_process, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data_pipeline.pixels.prepared._write_all", full)
    with pytest.raises(DataError, match="No space left on device; .* free some space"):
        prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    monkeypatch.undo()
    assert list((cache_dir / "prepared").iterdir()) == []


def test_two_processes_may_prepare_the_same_data_at_once(photos, cache_dir):
    program = (
        "import sys; from pathlib import Path;"
        "from data_pipeline.preparation.prepare import prepare;"
        "catalog, (pixels,) = prepare(Path(sys.argv[1]), image_sizes=[(16, 16)],"
        "    cache_dir=Path(sys.argv[2]), workers=1);"
        "print(catalog.fingerprint, pixels.open().sum())"
    )
    command = [sys.executable, "-c", program, photos, cache_dir]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    first, second = (child.communicate(timeout=100)[0] for child in children)
    assert [child.returncode for child in children] == [0, 0]
    assert first == second
    assert len(list((cache_dir / "prepared").iterdir())) == 1


def test_nothing_of_the_users_is_changed(photos, cache_dir, in_process):
    def state():
        return {
            path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
            for path in photos.rglob("*")
        }

    (photos / "cat" / "words.jpg").write_text("words")
    before = state()
    prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert state() == before


@pytest.mark.photos
def test_verdicts_agree_with_both_decoders_on_104_odd_files(shared, tmp_path):
    folder = shared / "bad_images"
    with (folder / "expected.csv").open() as file:
        rows = list(csv.DictReader(file))
    (tmp_path / "data" / "odd").mkdir(parents=True)
    (tmp_path / "data" / "none").mkdir()
    for row in rows:
        shutil.copy(folder / row["file"], tmp_path / "data" / "odd")
    catalog = open_catalog(tmp_path / "data", cache_dir=tmp_path / "cache")
    verdicts = {entry.path: entry.verdict for entry in catalog.entries}
    good = {"pillow": "ok", "tensorflow": "ok"}
    # Only Pillow, which reads these as a whole, decides about what TensorFlow does not know.
    tiffs = {entry.path for entry in catalog.kept if entry.format == "TIFF"}
    assert len(tiffs) == 4
    assert len(rows) == 104
    assert verdicts == {
        f"odd/{row['file']}": "kept" if row.items() >= good.items() else "bad" for row in rows
    } | dict.fromkeys(tiffs, "kept")


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
