"""`tune update`: what was known is not made again, and what the new images brought is said."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_folder
from finished_runs import in_this_process

from data_pipeline.listing.corrections import Correction, written
from data_pipeline.preparation import check
from search.api import Run, load, tune, update
from search.cli import _run
from search.cli.export import _print_brought
from search.errors import TuneError
from search.export import writing
from search.overview import updated
from search.overview.difference import difference_of
from search.overview.updated import NEW, OLD, Updated, what_it_brought
from search.process.atomic_files import write_array, write_json
from search.run_folder.config import RunConfig
from search.run_folder.data import load_splits
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_records
from search.run_folder.schema import to_json
from search.trial.features import row_store
from search.trial.features.carried import carry_features
from search.trial.features.row_store import RowStore
from search.tuning.data_change import DataChange, Relabelled, load_change
from search.tuning.new_run import new_folder
from search.tuning.update import _best

SMALL = {
    "families": "cnn",
    "image_size": 16,
    "max_epochs": 1,
    "algo": "random",
    "max_trials": 2,
    "workers": 0,
}


@pytest.fixture(scope="module", autouse=True)
def measured_here():
    """Files are measured without the start of a process for each."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "measure_file", in_this_process)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Photos of which some come later, and an exported run on the others."""
    folder = tmp_path_factory.mktemp("update")
    draw_folder(folder / "all", {"cat": 20, "dog": 20})
    for kind in ("cat", "dog"):
        (folder / "photos" / kind).mkdir(parents=True)
        for path in sorted((folder / "all" / kind).iterdir())[:12]:
            shutil.copy2(path, folder / "photos" / kind)
    return folder


@pytest.fixture(scope="module")
def before(place):
    run = tune(
        place / "photos",
        name="before",
        results=place / "results",
        cache_dir=place / "cache",
        **SMALL,
    )
    run.export(seeds=0)
    return run


@pytest.fixture(scope="module")
def after(place, before):
    """New photos came, one is gone, one was called by another name, one label was wrong."""
    for kind in ("cat", "dog"):
        for path in sorted((place / "all" / kind).iterdir())[12:]:
            shutil.copy2(path, place / "photos" / kind)
    images = Images.load(before.folder)
    train = load_splits(before.folder).train
    cats = [images.paths[row] for row in train if images.paths[row].startswith("cat")]
    (place / "photos" / cats[0]).unlink()
    (place / "photos" / cats[1]).rename(place / "photos" / "cat" / "renamed.png")
    file = place / "corrections.csv"
    file.write_bytes(written([Correction(cats[2], "cat", "dog", "now")]))
    opened = []
    real = check.check_file

    def counted(task):
        opened.append(task.file.path)
        return real(task)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "data_pipeline.preparation.prepare.run_in_workers",
            lambda function, tasks, workers: ((task, counted(task)) for task in tasks),
        )
        run = update(
            before,
            name="after",
            corrections=file,
            cache_dir=place / "cache",
            workers=0,
        )
    run.export(seeds=0)
    return run, cats, opened


def test_only_files_that_are_new_are_opened(after, place):
    _, _, opened = after
    new = {
        f"{kind}/{path.name}"
        for kind in ("cat", "dog")
        for path in sorted((place / "all" / kind).iterdir())[12:]
    }
    assert set(opened) == new | {"cat/renamed.png"}
    assert len(opened) == len(set(opened))


def test_what_is_new_gone_and_corrected_is_written_down(after):
    run, cats, _ = after
    change = load_change(run.folder)
    assert (change.kept, change.new, change.gone) == (23, 16, (cats[0],))
    assert change.relabelled == (Relabelled(cats[2], "cat", "dog"),)
    said = change.in_words()
    assert said[0].startswith("23 images as before, 16 new (")
    assert said[1:] == [
        f"1 image gone: {cats[0]}",
        f"1 image with another label: {cats[2]} (cat to dog)",
    ]


def test_images_stay_in_their_splits_and_pixels_are_their_own(before, after):
    run, _, _ = after
    from search.trial.experiment import Experiment

    old, new = (Images.load(each.folder) for each in (before, run))
    row_of = {key: row for row, key in enumerate(new.pixel_hashes)}
    pixels = Experiment.load(before.folder).pixels, Experiment.load(run.folder).pixels
    for name in ("train", "validation", "test"):
        rows = set(getattr(load_splits(run.folder), name).tolist())
        for row in getattr(load_splits(before.folder), name).tolist():
            if (now := row_of.get(old.pixel_hashes[row])) is not None:
                assert now in rows
                assert np.array_equal(pixels[0][row], pixels[1][now])
    assert len(load_splits(run.folder).test) > len(load_splits(before.folder).test)


def test_the_best_of_before_are_tried_and_nothing_else(before, after):
    run, _, _ = after
    best = [row.values for row in before.table()]
    config = RunConfig.load(run.folder)
    exported = before.exported.metrics.configuration
    others = [values for values in best if values != exported]
    assert [dict(values) for values in config.begin_with] == [exported, *others]
    assert {json.dumps(row.values, sort_keys=True) for row in run.table()} == {
        json.dumps(values, sort_keys=True) for values in best
    }
    summary = run.summary()
    assert [part.origin for part in summary.spent] == ["earlier"]
    assert summary.verdict == ""
    assert not any(row.known_good for row in run.exported.metrics.finalists)


@pytest.mark.parametrize("results", [None, "elsewhere"])
def test_an_update_lies_where_it_is_asked_to(before, tmp_path, monkeypatch, results):
    began = []

    def start(data, name, options, environment, *, updates):
        began.append(environment.results)
        raise TuneError("no further: this is a test")

    monkeypatch.setattr("search.tuning.run.start", start)
    monkeypatch.chdir(tmp_path)
    words = [] if results is None else ["--results", results]
    assert _run(["update", str(before.path), *words]) == 1
    with pytest.raises(TuneError, match="no further"):
        update(before, results=results)
    assert began == [Path(results or "results"), Path(results or before.path.parent)]


def test_what_was_exported_is_tried_first_and_nothing_twice(before, tmp_path):
    copy = Run(shutil.copytree(before.path, tmp_path / "copy"))
    first, second = load_records(copy.folder)
    replace(first, trial_id="twice", configuration="twice").save(copy.folder)
    for exported, other in ((first, second), (second, first)):
        metrics = copy.exported.metrics
        file = copy.folder.export / "metrics.json"
        write_json(file, to_json(replace(metrics, configuration=exported.values)))
        assert _best(copy.folder, copy.config) == (exported.values, other.values)
    # Of a race that was cut short nothing but what is exported saw all images.
    for record in load_records(copy.folder):
        replace(record, images=200).save(copy.folder)
    assert _best(copy.folder, copy.config) == (second.values,)


def test_the_models_are_compared_on_old_and_new_test_images(before, after):
    run, _, _ = after
    found = run.brought()
    assert (found.run, found.before) == ("after", "before")
    assert found.on_old.images == len(load_splits(before.folder).test)
    assert found.on_new.images == load_change(run.folder).new_test
    assert found.on_both.images == found.on_old.images + found.on_new.images
    assert found.on_old.accuracies[1] == pytest.approx(before.exported.metrics.accuracy)
    assert found.on_both.accuracies[0] == pytest.approx(run.exported.metrics.accuracy)
    assert found.unreadable == 0


def test_an_update_goes_on_where_it_stopped(after, place):
    run, _, _ = after
    from search.api import resume

    table = run.table()
    assert resume(run, cache_dir=place / "cache", workers=0).table() == table


def test_the_command_says_what_came_of_it(before, after, place, capsys):
    words = ["update", "before", "--name", "again", "--workers", "0", "--json"]
    where = ["--results", place / "results", "--cache-dir", place / "cache"]
    assert _run([str(word) for word in [*words, *where]]) == 0
    said = capsys.readouterr()
    assert "23 images as before, 16 new (" in said.err
    printed = json.loads(said.out)
    assert printed["change"]["new"] == 16
    assert printed["verdict"]


def test_an_export_that_follows_says_what_the_update_brought(after, place, capsys):
    words = ["export-best", "after", "--seeds", "0", "--results", place / "results"]
    assert _run([str(word) for word in words]) == 0
    assert "on the 4 old test images: new model" in capsys.readouterr().out


def test_an_export_does_not_fail_where_the_earlier_run_is_gone(after, monkeypatch, capsys):
    run, _, _ = after

    def gone(run):
        raise TuneError("no such run")

    monkeypatch.setattr(updated, "what_it_brought", gone)
    _print_brought(run)
    assert capsys.readouterr().out == ("not compared with the run that it updates: no such run\n")


def test_what_cannot_be_updated_is_refused_before_anything_is_prepared(before, tmp_path, capsys):
    shutil.copytree(before.path, tmp_path / "plain")
    shutil.rmtree(tmp_path / "plain" / "export")
    with pytest.raises(TuneError, match="has no exported model, with which the new one"):
        update(load("plain", results=tmp_path))
    assert _run(["update", "plain", "--results", str(tmp_path)]) == 1
    assert "tune export-best" in capsys.readouterr().err
    with pytest.raises(TuneError, match="update.json"):
        what_it_brought(before.folder)


def pairs(both, first, second):
    return [(True, True)] * both + [(True, False)] * first + [(False, True)] * second


CHANGE = DataChange("/before", 10, 2, 1, (), ())


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((50, 20, 2), "The new model is better."),
        ((50, 2, 20), "The new model is worse: keep the old one."),
        ((50, 3, 2), "The old model would do: the difference may be chance."),
        (None, "There is no image to test on."),
    ],
)
def test_the_verdict_follows_the_interval_of_all_test_images(counts, verdict):
    row = difference_of(NEW, OLD, pairs(*counts), same=True) if counts else None
    found = Updated("a", "b", CHANGE, None, row, row, unreadable=3)
    assert found.verdict == verdict
    said = found.in_words()
    assert said[-2:] == ["3 test images could not be read again", verdict]
    if row:
        assert said[0].startswith(f"on the {row.images} new test images: new model")
        assert said[1].startswith(f"on all {row.images} test images")


def test_the_verdict_is_by_balanced_accuracy_where_classes_count_the_same():
    many, few = pairs(864, 0, 86), [(True, False)] * 40 + [(False, False)] * 10
    labels = ["many"] * 950 + ["few"] * 50
    row = difference_of(NEW, OLD, many + few, same=True, labels=labels)
    found = Updated("a", "b", CHANGE, None, None, row)
    assert found.verdict == "The new model is better."
    assert "on all 1,000 test images: balanced accuracy, new model 0.8547" in found.in_words()[0]


def test_an_image_that_the_old_model_cannot_be_asked_about_is_left_out(after, monkeypatch):
    run, _, _ = after
    real = updated._answers
    monkeypatch.setattr(updated, "_answers", lambda before, files: [None, *real(before, files)[1:]])
    found = what_it_brought(run.folder)
    assert (found.unreadable, found.on_both.images) == (1, len(load_splits(run.folder).test) - 1)
    short = RunFolder(run.path)
    answers = np.load(short.test_predictions)
    write_array(short.test_predictions, answers[1:])
    try:
        with pytest.raises(TuneError, match="export again"):
            what_it_brought(run.folder)
    finally:
        write_array(short.test_predictions, answers)


def test_a_name_is_not_blocked_by_an_update_that_was_killed_before_its_search(tmp_path):
    killed = RunFolder(tmp_path / "killed")
    killed.families.mkdir(parents=True)
    for path in (killed.update, killed.data, killed.own_family("Wide"), killed.path / "lock"):
        path.touch()
    assert new_folder(tmp_path, "killed").path == killed.path
    # Nothing of it is taken for what belongs to the run that comes in its place.
    tune(
        draw_folder(tmp_path / "photos", {"cat": 6, "dog": 6}),
        results=tmp_path,
        cache_dir=tmp_path / "cache",
        name="killed",
        families="cnn",
        image_size=16,
        algo="random",
        max_trials=1,
        max_epochs=1,
        workers=0,
    )
    assert (killed.config.exists(), killed.data.exists()) == (True, True)
    assert not killed.update.exists()
    assert not killed.own_family("Wide").exists()


def test_features_of_images_that_were_there_are_copied(tmp_path, monkeypatch):
    source, target = tmp_path / "old.npy", tmp_path / "new.npy"
    folder = tmp_path / "old.features" / "net-16"
    folder.mkdir(parents=True)
    (folder / "about.json").write_text('{"shape": [3], "parameters": 7}')
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    with RowStore(folder / "plain.f32", (4, 3)) as store:
        store.write(np.array([0, 2, 3]), values[[0, 2, 3]])
    with RowStore(folder / "basic-0.1-2.f32", (4, 3)) as store:
        store.write(np.array([0]), values[[0]])
    pairs = [(0, 5), (1, 4), (2, 0), (3, 1)]  # of the second nothing is known
    with (folder / "plain.f32").open("r+b") as file:
        file.seek(3 * 3 * 4)  # the last row
        file.write(b"damage")
    monkeypatch.setattr(row_store, "CHECKED", 1)  # by chance it is not among those looked at
    assert carry_features(source, target, pairs, sizes=(4, 6)) == 2
    copied = RowStore(tmp_path / "new.features" / "net-16" / "plain.f32", (6, 3))
    assert np.flatnonzero(copied.sums).tolist() == [0, 5]
    assert copied.open()[[0, 5]].tolist() == values[[2, 0]].tolist()
    files = sorted(path.name for path in (tmp_path / "new.features" / "net-16").iterdir())
    assert files == ["about.json", "plain.f32", "plain.lock", "plain.rows"]
    assert carry_features(source, target, pairs, sizes=(4, 6)) == 0
    (folder / "about.json").write_text("{")
    assert carry_features(source, tmp_path / "other.npy", pairs, sizes=(4, 6)) == 0
