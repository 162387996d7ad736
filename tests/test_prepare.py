import csv
import dataclasses
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from drawing import draw

from data_pipeline.catalog.table import Entries
from data_pipeline.decoding.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.pixels.resize import resize
from data_pipeline.pixels.resize_mode import RESIZE_MODES
from data_pipeline.preparation import checks
from data_pipeline.preparation import prepare as module
from data_pipeline.preparation.prepare import open_catalog, prepare


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


def test_a_file_that_only_pillow_reads_is_bad(photos, cache_dir, in_process):
    contents = bytearray((photos / "cat" / "cat_0.png").read_bytes())
    contents[-13] ^= 255  # in the checksum of the last data chunk, which Pillow passes over
    (photos / "cat" / "cat_0.png").write_bytes(contents)
    assert read_upright(photos / "cat" / "cat_0.png").shape == (30, 40, 3)
    catalog, (pixels,) = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert catalog.entries[0].reason.startswith("TensorFlow: ")
    assert len(pixels.open()) == 7


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


def test_a_file_that_fails_while_another_size_is_made_leaves_all_sizes_there(
    photos, cache_dir, monkeypatch, in_process
):
    sizes = [(8, 8), (12, 12)]
    prepare(photos, image_sizes=sizes, cache_dir=cache_dir)
    run_here, left = module.run_in_workers, [True]

    def delete_first(function, tasks, *, workers=None):
        if left:
            left.clear()
            (photos / tasks[0].file.path).unlink()
        return run_here(function, tasks, workers=workers)

    monkeypatch.setattr(module, "run_in_workers", delete_first)
    catalog, prepared = prepare(photos, image_sizes=[*sizes, (16, 16)], cache_dir=cache_dir)
    assert len(catalog.kept) == 7
    for side, pixels in zip((8, 12, 16), prepared, strict=True):
        assert pixels.open().shape == (7, side, side, 3)


def test_a_file_deleted_after_the_look_is_bad_and_no_crash(photos, cache_dir, monkeypatch):
    def delete_first(function, tasks, *, workers=None):
        (photos / tasks[0].file.path).unlink()
        return ((task, function(task)) for task in tasks)

    monkeypatch.setattr(module, "run_in_workers", delete_first)
    catalog, (pixels,) = prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    assert catalog.entries[0].reason.startswith("unreadable: No such file")
    assert len(pixels.open()) == len(catalog.kept) == 7


def test_memory_that_runs_out_over_one_image_costs_that_image(
    photos, cache_dir, in_process, monkeypatch
):
    def eat(*_, **__):
        raise MemoryError

    monkeypatch.setattr("data_pipeline.preparation.check.resize", eat)
    with pytest.raises(DataError, match="none of 8 files"):
        prepare(photos, image_sizes=[(8, 8)], cache_dir=cache_dir)
    monkeypatch.undo()


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

    monkeypatch.setattr("data_pipeline.pixels.building._write_all", full)
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
