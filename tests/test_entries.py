import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from drawing import catalog, entry

from data_pipeline.catalog.cache import load_entries, save_catalog
from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.table import Entries


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


def test_columns_bring_back_the_same_entries(pictures, tmp_path):
    assert pictures.table == pictures.entries
    assert pictures.table[1] == pictures.entries[1]
    assert list(pictures.table[1:]) == list(pictures.entries[1:])
    save_catalog(pictures, tmp_path / "data", tmp_path / "cache")
    assert load_entries(tmp_path / "data", tmp_path / "cache") == pictures.entries
    assert load_entries(tmp_path / "other", tmp_path / "cache") == ()


def test_what_is_no_hash_or_sketch_is_refused(pictures):
    for wrong in ({"pixel_hash": "ab"}, {"content_hash": "x" * 32}, {"sketch": "AAAA"}):
        with pytest.raises(ValueError, match=r"expected|hexadecimal"):
            Entries.of([dataclasses.replace(pictures.entries[0], **wrong)])


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
