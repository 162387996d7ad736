"""What a run settles once its images are known."""

import json

import numpy as np
import pytest
from given_data import DATA
from searching import run_config

from search.evaluation.objective import AUTO
from search.run_folder.paths import RunFolder
from search.tuning.prepare_data import with_objective


@pytest.mark.parametrize(
    ("counts", "asked", "settled"),
    [
        ((10, 10), AUTO, "val_accuracy"),
        ((21, 10), AUTO, "val_balanced_accuracy"),
        ((21, 10), "val_loss", "val_loss"),
    ],
)
def test_the_objective_follows_the_classes_where_it_was_left_open(tmp_path, counts, asked, settled):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.data.write_text(json.dumps(DATA | {"labels": ["cat", "dog"]}))
    np.save(run.targets, np.repeat([0, 1], counts).astype(np.int32))
    assert with_objective(run, run_config(objective=asked)).objective == settled
