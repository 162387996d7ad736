"""Photos copied into folders by class: nothing moved, nothing overwritten."""

import os
import shutil

import pytest

from search.inference.classifier import Prediction
from search.inference.sorted_copies import SortedCopies


@pytest.fixture
def photo(tmp_path):
    def made(name, content=b"photo", folder="photos"):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1, 1))  # all of one time: only their content tells them apart
        return path

    return made


def to(folder, *class_names):
    return SortedCopies(folder / "to", class_names or ("cat", "dog"))


def as_cat(path, **changes):
    return Prediction(path, **({"probabilities": {"cat": 0.9, "dog": 0.1}} | changes))


def there(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_each_photo_lies_in_the_folder_of_its_class_and_where_it_was(tmp_path, photo):
    copies, a, b, c = to(tmp_path), photo("a.jpg"), photo("b.jpg"), photo("c.jpg")
    copies.add(as_cat(a))
    copies.add(as_cat(b, probabilities={"dog": 0.6, "cat": 0.4}))
    copies.add(as_cat(c, unsure=True))
    copies.add(as_cat(tmp_path / "gone.jpg", probabilities={}, error="not an image"))
    assert there(tmp_path / "to") == ["cat/a.jpg", "dog/b.jpg", "unsure/c.jpg"]
    assert copies.count == 3
    assert all(path.exists() for path in (a, b, c))


def test_another_photo_of_the_same_name_gets_a_name_of_its_own(tmp_path, photo):
    for _ in range(2):  # and a second time nothing is copied again
        copies = to(tmp_path)
        copies.add(as_cat(photo("a.jpg", b"one")))
        copies.add(as_cat(photo("a.jpg", b"two", folder="others")))
    assert there(tmp_path / "to") == ["cat/a-2.jpg", "cat/a.jpg"]
    assert (tmp_path / "to" / "cat" / "a.jpg").read_bytes() == b"one"
    assert copies.count == 2


@pytest.mark.parametrize("label", ["../../out", "/etc", "..", ".", "a\\b"])
def test_a_class_of_any_name_stays_inside(tmp_path, photo, label):
    to(tmp_path, label, "cat").add(as_cat(photo("a.jpg"), probabilities={label: 1.0}))
    (name,) = there(tmp_path / "to")
    assert name.count("/") == 1
    assert name.endswith("/a.jpg")
    assert there(tmp_path) == sorted([f"to/{name}", "photos/a.jpg"])


@pytest.mark.parametrize(
    ("class_names", "folders"),
    [
        (("cat", "unsure"), ["cat", "unsure", "unsure-2"]),
        (("a/b", "a_b"), ["a_b-2", "a_b", "unsure"]),
    ],
)
def test_no_two_classes_share_a_folder_nor_one_with_what_is_unsure(
    tmp_path, photo, class_names, folders
):
    copies = to(tmp_path, *class_names)
    for label, folder in zip([*class_names, None], folders, strict=True):
        name = f"for {folder}.jpg"
        copies.add(as_cat(photo(name), probabilities={label: 1.0}, unsure=label is None))
        assert f"{folder}/{name}" in there(tmp_path / "to")


def test_a_copy_that_is_interrupted_leaves_nothing(tmp_path, photo, monkeypatch):
    def interrupted(source, target):
        target.write_bytes(source.read_bytes()[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copy2", interrupted)
    with pytest.raises(KeyboardInterrupt):
        to(tmp_path).add(as_cat(photo("a.jpg")))
    assert there(tmp_path / "to") == []


def test_a_copy_has_the_time_and_the_permissions_of_its_photo(tmp_path, photo):
    path = photo("a.jpg")
    path.chmod(0o440)
    to(tmp_path).add(as_cat(path))
    copy, original = (tmp_path / "to" / "cat" / "a.jpg").stat(), path.stat()
    assert (copy.st_mode, copy.st_mtime) == (original.st_mode, original.st_mtime)
