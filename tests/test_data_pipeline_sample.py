import pytest

from data_pipeline.decoding.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.near_duplicates.duplicates import exact_groups, label_conflicts
from data_pipeline.preparation.split import split_by_group
from data_pipeline.sample import draw_sample


def _contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_the_same_seed_draws_the_same_files(tmp_path):
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        draw_sample(tmp_path / name, images_per_class=8, seed=seed)
    one, again, other = (_contents(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again
    assert one.keys() == other.keys()
    assert one != other


def test_copies_and_an_image_under_two_labels_are_planted(sample):
    catalog, _ = sample
    kept = catalog.kept
    groups = [{kept[index].path for index in group} for group in exact_groups(catalog)]
    assert {"dotted/dotted_001.jpg", "dotted/dotted_001_copy.jpg"} in groups
    assert len(groups) == 4
    (conflict,) = label_conflicts(catalog)
    assert {kept[index].label for index in conflict} == {"checked", "dotted"}


def test_the_sample_can_be_split_and_its_classes_are_balanced(sample):
    catalog, _ = sample
    counts = [int((catalog.targets == number).sum()) for number in range(3)]
    assert max(counts) - min(counts) <= 4
    assert len(split_by_group(catalog).test) >= 3


def test_the_image_that_lies_down_is_turned_upright(tmp_path):
    from PIL import Image

    draw_sample(tmp_path / "sample", images_per_class=8)
    path = tmp_path / "sample" / "striped" / "lying_down.jpg"
    with Image.open(path) as stored:
        assert read_upright(path).shape[:2] == stored.size


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        draw_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(DataError, match="at least 8"):
        draw_sample(tmp_path / "new", images_per_class=3)
