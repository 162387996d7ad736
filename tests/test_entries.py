import json
import subprocess
import sys

import numpy as np
import pytest
from drawing import catalog, entry

from data_pipeline.catalog.entries import Catalog


@pytest.fixture
def pictures():
    return catalog(
        entry("cat/a.png", "cat"),
        entry("cat/b.png", "cat", verdict="bad", reason="truncated"),
        entry("dog/caf\udce9\n.png", "dog"),
    )


def test_kept_and_targets_leave_bad_files_out(pictures):
    assert [one.path for one in pictures.kept] == ["cat/a.png", "dog/caf\udce9\n.png"]
    assert pictures.targets.tolist() == [0, 1]
    assert pictures.targets.dtype == np.int32


def test_json_brings_back_the_same_catalog(pictures):
    assert Catalog.from_json(json.loads(json.dumps(pictures.to_json()))) == pictures


def test_json_with_other_fields_is_refused(pictures):
    values = pictures.to_json()
    with pytest.raises(ValueError, match="expected"):
        Catalog.from_json(values | {"fields": ["path"]})


def test_the_fingerprint_tells_content_label_and_split(pictures):
    first, bad, last = pictures.entries
    same = catalog(entry("cat/renamed.png", "cat", content_hash=first.content_hash), bad, last)
    assert same.fingerprint == pictures.fingerprint
    for change in ({"content_hash": "other"}, {"label": "dog"}, {"split": "train"}):
        values = {"label": "cat", "content_hash": first.content_hash} | change
        other = Catalog(
            pictures.root, (entry("cat/a.png", **values), bad, last), pictures.class_names
        )
        assert other.fingerprint != pictures.fingerprint


def test_reading_a_catalog_does_not_import_tensorflow():
    program = (
        "import sys;"
        "import data_pipeline.catalog.cache;"
        "import data_pipeline.catalog.entries;"
        "import data_pipeline.preparation.prepare;"
        "import data_pipeline.preparation.summary;"
        "import data_pipeline.preparation.split;"
        "import data_pipeline.catalog.quarantine;"
        "import data_pipeline.decoding.decode;"
        "import data_pipeline.sample;"
        "import data_pipeline.pixels.dataset;"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
