import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reported import NAMES, reported_run

from search.errors import TuneError
from search.process.atomic_files import read_json
from search.report.album import PER_CLASS, class_samples, excluded, require_images
from search.run_folder.data import load_splits


@pytest.fixture
def run(scratch, tmp_path):
    return reported_run(scratch, tmp_path)


def size(jpeg):
    with Image.open(io.BytesIO(jpeg)) as image:
        return image.format, image.size


def test_each_class_shows_a_few_of_its_training_images(run):
    found = class_samples(run, list(NAMES))
    rows = load_splits(run).train
    targets = np.load(run.targets)[rows]
    counts = {label: min(PER_CLASS, (targets == k).sum()) for k, label in enumerate(NAMES)}
    assert {label: len(jpegs) for label, jpegs in found.items()} == counts
    assert size(found[NAMES[0]][0]) == ("JPEG", (90, 60))


def test_an_image_that_is_gone_is_left_out(run):
    folder = read_json(run.older_images)["root"]
    row = load_splits(run).train[0]
    path = f"{folder}/{read_json(run.older_images)['paths'][row]}"
    before = sum(map(len, class_samples(run, list(NAMES)).values()))
    Path(path).write_bytes(b"")
    assert sum(map(len, class_samples(run, list(NAMES)).values())) == before - 1


def test_of_a_broken_file_what_is_left_is_shown(run):
    half, gone = excluded(run, images=True)
    assert (half.path, half.reason) == ("along/half.png", "truncated")
    assert size(half.remains) == ("JPEG", (90, 60))
    assert gone.remains == b""
    assert [file.remains for file in excluded(run, images=False)] == [b"", b""]


def test_a_run_of_an_older_version_has_nothing_to_show_of_them(run):
    run.excluded.unlink()
    assert excluded(run, images=True) == []


def test_images_that_were_moved_are_said_to_be_missing(run, tmp_path):
    require_images(run)
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    with pytest.raises(TuneError, match="--no-pictures"):
        require_images(run)
