"""What a run settles once its images are known."""

import json

import numpy as np
import pytest
from given_data import DATA
from searching import run_config

from search.evaluation.objective import AUTO
from search.run_folder.paths import RunFolder
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
