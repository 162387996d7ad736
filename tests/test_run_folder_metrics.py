"""`metrics.json`: what an export writes, and what files of other versions give."""

import json
from pathlib import Path

import pytest
from exported_metrics import METRICS
from given_data import DATA

from search.process.atomic_files import write_json
from search.run_folder.data_summary import DataSummary, this_version
from search.run_folder.exported.metrics import Metrics
from search.run_folder.paths import RunFolder
from search.run_folder.schema import OtherVersionError, to_json

WRITTEN = sorted((Path(__file__).parent / "support" / "written").glob("*.json"))
"""Files of the version before these dataclasses."""


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "cats")
    run.export.mkdir(parents=True)
    return run


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.stem)
def test_a_file_is_written_again_to_the_bit(file, run):
    run.metrics.write_bytes(file.read_bytes())
    metrics = Metrics.load(run)
    write_json(run.metrics, to_json(metrics))
    # That version called a tie what this one does not take for as good.
    expected = file.read_bytes().replace(b'"tied": true', b'"as_good": false')
    assert run.metrics.read_bytes() == expected
    assert metrics.accuracy_interval[0] < metrics.accuracy < metrics.accuracy_interval[1]
    assert metrics.slices[0].name == "PNG"


def test_what_older_versions_did_not_write_is_unknown(run):
    older = {key: value for key, value in METRICS.items() if key not in ("ensemble", "files")}
    write_json(run.metrics, older)
    metrics = Metrics.load(run)
    assert (metrics.trials, metrics.card, metrics.ensemble, metrics.files) == (None, "", None, ())
    assert "trials" not in to_json(metrics)


@pytest.mark.parametrize(
    ("data", "writer"),
    [(DATA, "an older version of tune"), (DATA | {"made_by": "tune 0.0.9"}, "tune 0.0.9")],
)
def test_a_file_without_what_is_needed_says_what_and_which_version(run, data, writer):
    write_json(run.data, data)
    write_json(run.metrics, {key: value for key, value in METRICS.items() if key != "slices"})
    with pytest.raises(OtherVersionError, match=rf"metrics\.json: has no 'slices'; {writer} wrote"):
        Metrics.load(run)


def test_data_of_an_older_version_is_read(run):
    older = {key: value for key, value in DATA.items() if key != "leaks"}
    write_json(run.data, older)
    summary = DataSummary.load(run)
    assert (summary.leaks, summary.made_by, summary.splits.validation) == (None, None, 200)
    assert to_json(summary) == older


def test_data_comes_back_as_it_was_written_with_the_version_that_wrote_it(run):
    leak = {"split": "test", "other": "train", "pictures": 2, "exact": 1, "of": 4, "share": 0.5}
    written = DATA | {"leaks": [leak], "made_by": this_version()}
    write_json(run.data, written)
    assert json.dumps(to_json(DataSummary.load(run))) == json.dumps(written)
    write_json(run.data, {key: value for key, value in written.items() if key != "labels"})
    with pytest.raises(OtherVersionError, match=f"has no 'labels'; {this_version()} wrote"):
        DataSummary.load(run)
