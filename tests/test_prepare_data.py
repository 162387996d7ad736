"""What a run settles once its images are known."""

import json

import numpy as np
import pytest
from drawing import catalog, entry, random_sketch
from given_data import DATA
from searching import run_config

from data_pipeline.near_duplicates.known_images import KnownImages
from search.evaluation.objective import AUTO
from search.run_folder.paths import RunFolder
from search.tuning.preparation import prepare_data
from search.tuning.preparation.prepare_data import with_objective


@pytest.mark.parametrize(
    ("counts", "tested", "asked", "settled"),
    [
        ((10, 10), (0, 0), AUTO, "val_accuracy"),
        ((21, 10), (0, 0), AUTO, "val_balanced_accuracy"),
        ((21, 10), (0, 0), "val_loss", "val_loss"),
        # Nothing is chosen by the images to test on, whatever their classes are.
        ((10, 10), (30, 3), AUTO, "val_accuracy"),
        ((21, 10), (10, 21), AUTO, "val_balanced_accuracy"),
    ],
)
def test_the_objective_follows_the_classes_where_it_was_left_open(
    tmp_path, counts, tested, asked, settled
):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.data.write_text(json.dumps(DATA | {"labels": ["cat", "dog"]}))
    np.save(run.targets, np.repeat([0, 1, 0, 1], counts + tested).astype(np.int32))
    train, validation, test = np.split(np.arange(sum(counts + tested)), [10, sum(counts)])
    np.savez(run.splits, train=train, validation=validation, test=test)
    assert with_objective(run, run_config(objective=asked)).objective == settled


@pytest.mark.parametrize("older", [False, True])
def test_an_update_knows_what_was_trained_on_also_of_an_older_version(older, tmp_path, monkeypatch):
    """Of images that are gone, copies may be there: they are not tested on."""
    before = RunFolder(tmp_path / "before")
    before.path.mkdir()
    entries = [
        entry(f"{label}/{n}.png", label, pixel_hash=f"{n + 1:032}", sketch=random_sketch(n))
        for n, label in enumerate(["cat", "dog"] * 4)
    ]
    images = catalog(*entries)
    if older:
        hashes = np.array([f"{3:032}"], "S")
        np.savez(
            before.older_known, pixel_hashes=hashes, sketches=np.array([random_sketch(9)], "S")
        )
    else:
        KnownImages.of(images, np.array([0])).save(before.known)
    monkeypatch.setattr(
        "data_pipeline.preparation.split_again.split_again",
        lambda catalog, known, *, trained, **shares: trained,
    )
    run = RunFolder(tmp_path / "run")
    trained = prepare_data._splits(run, run_config(), images, {}, before)
    (row,) = np.flatnonzero(trained)
    assert images.kept.pixel_hashes[row] == (f"{3:032}" if older else images.kept[0].pixel_hash)
    trained = prepare_data._splits(run, run_config(), images, {}, RunFolder(tmp_path / "none"))
    assert trained is None
