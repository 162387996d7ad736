"""Labels from a table beside the images: what is found, and what is said of the rest."""

import os

import pytest
from drawing import draw

from data_pipeline.errors import DataError
from data_pipeline.listing.label_table import TableColumns, list_label_table

LABELS = {"a.png": "cat", "b.png": "dog", "deep/c.png": "cat", "deep/d.png": "dog"}


@pytest.fixture
def photos(tmp_path):
    """Four images without class folders."""
    for number, path in enumerate(LABELS):
        (tmp_path / "photos" / path).parent.mkdir(parents=True, exist_ok=True)
        draw(number).save(tmp_path / "photos" / path)
    return tmp_path / "photos"


def listed(photos, text, name="labels.csv", **columns):
    table = photos.parent / name
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list_label_table(photos, table, TableColumns(**columns))


def labels_of(listing):
    return {file.path: file.label for file in listing.files}


def left_out(listing):
    return {(entry.path, entry.reason) for entry in listing.left_out}


def rows(separator=",", header=None, change=lambda path: path):
    lines = [separator.join(header)] if header else []
    return "\n".join([*lines, *(f"{change(p)}{separator}{label}" for p, label in LABELS.items())])


@pytest.mark.parametrize(
    "text",
    [
        rows(),
        rows(header=["image", "label"]),
        rows(";", header=["Path", "Species"]),
        rows("\t"),
        rows("   "),
        rows(change=lambda path: path.removesuffix(".png")),
        rows(change=lambda path: f"photos/{path}"),
        rows(change=lambda path: f"./{path}"),
        rows(change=lambda path: path.replace("/", "\\")),
        rows().replace("\n", "\r\n") + "\r\n\r\n",
        "\ufeff" + rows(header=["image", "label"]),
        rows(header=["image", "label"]).encode("utf-16"),
        '"a.png","cat"\n"b.png","dog"\n"deep/c.png","cat"\n"deep/d.png","dog"\n',
    ],
)
def test_a_table_gives_the_labels_however_it_is_written(photos, text):
    listing = listed(photos, text)
    assert labels_of(listing) == LABELS
    assert listing.class_names == ("cat", "dog")
    assert (listing.root, listing.left_out, listing.doubts) == (photos, (), ())


def test_paths_from_the_root_of_the_disk_are_found(photos):
    assert labels_of(listed(photos, rows(change=lambda p: f"{photos}/{p}"))) == LABELS


def test_what_was_taken_for_what_is_said(photos):
    text = "id,split,label,image\n" + "\n".join(
        f"{n},{split},{LABELS[path]},{path}"
        for n, (path, split) in enumerate(
            zip(LABELS, ("train", "TRAIN", "dev", "holdout"), strict=True)
        )
    )
    listing = listed(photos, text)
    assert listing.notes == (
        "labels.csv: images in column 4 (image), labels in column 3 (label), splits in column 2 "
        "(split)",
    )
    splits = {file.path: file.split for file in listing.files}
    assert splits == dict(zip(LABELS, ("train", "train", "validation", "test"), strict=True))


def test_columns_are_taken_by_name_or_number(photos):
    text = "\n".join(
        f"{path},{n % 2},{label},p{n}" for n, (path, label) in enumerate(LABELS.items())
    )
    by_number = listed(photos, text, label="3", group="4")
    assert labels_of(by_number) == LABELS
    assert [file.group for file in by_number.files] == ["p0", "p1", "p2", "p3"]
    assert listed(photos, text, label="2").class_names == ("0", "1")
    named = listed(photos, "f,even,kind,who\n" + text, label="Kind", group="who", image="f")
    assert labels_of(named) == LABELS
    with pytest.raises(DataError, match="--label-column sort, expected one of f, even, kind, who"):
        listed(photos, "f,even,kind,who\n" + text, label="sort")


def test_where_it_is_not_plain_which_column_holds_the_labels_it_is_asked(photos):
    text = "\n".join(f"{path},{label},x" for path, label in LABELS.items())
    with pytest.raises(DataError, match=r"columns are a.png, cat, x; name one by --label-column"):
        listed(photos, text)


def test_rows_and_files_that_do_not_fit_are_named(photos):
    draw(9).save(photos / "extra.png")
    draw(10).save(photos / "b.jpg")
    more = "\nabsent.png,cat\nb,dog\ndeep/d.png,cat\nextra.png,\na.png,cat"
    assert left_out(listed(photos, rows() + more)) == {
        ("absent.png", "row without a file"),
        ("b", "row for several files"),
        ("deep/d.png", "file with two labels"),
        ("extra.png", "row without a label"),
        ("b.jpg", "file without a row"),
    }


@pytest.mark.parametrize("what", ["split", "group"])
def test_a_file_in_two_splits_or_groups_is_left_out(photos, what):
    other = {"split": "train", "group": "p2"}[what]
    lines = [f"{path},{label},test,p1" for path, label in LABELS.items()]
    lines += [lines[0], lines[1].replace({"split": "test", "group": "p1"}[what], other)]
    listing = listed(photos, "f,label,split,who\n" + "\n".join(lines), group="who")
    assert left_out(listing) == {("b.png", f"file in two {what}s")}
    assert set(labels_of(listing)) == set(LABELS) - {"b.png"}


def test_a_number_is_that_of_a_column_where_there_is_no_header(photos):
    """Whatever the cells of the first row are."""
    text = "\n".join(f"{path},{label},2" for path, label in LABELS.items())
    assert labels_of(listed(photos, text, label="2", image="1")) == LABELS
    swapped = "\n".join(f"2,{label},{path}" for path, label in LABELS.items())
    assert labels_of(listed(photos, swapped, label="2", image="3")) == LABELS
    header = "\n".join(["f,kind,1", *(f"{p},x,{label}" for p, label in LABELS.items())])
    assert labels_of(listed(photos, header, label="1", image="f")) == LABELS


def test_labels_that_differ_in_case_are_doubted(photos):
    listing = listed(photos, rows().replace("deep/c.png,cat", "deep/c.png,Cat"))
    assert listing.class_names == ("Cat", "cat", "dog")
    assert listing.doubts == ("'Cat' and 'cat' are 2 classes; rename them alike if they are one",)


def test_a_first_row_without_a_file_is_no_header(photos):
    listing = listed(photos, "absent.png,cat\n" + rows())
    assert ("absent.png", "row without a file") in left_out(listing)
    assert labels_of(listing) == LABELS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty"),
        ("a.png\nb.png", "two or more, separated by tabs, semicolons, commas or spaces"),
        ("a.png,cat\nb.png,dog,brown", "with commas line 1 has 2 columns and line 2 has 3"),
        ("x.png,cat\ny.png,dog", r"none of its first 2 rows names a file .* has 'y.png', and a fi"),
        ("a.png,cat\nb.png,cat", r"found 1 label \(cat\) in column 2, need at least 2"),
        ("image,label,split\na.png,cat,left\nb.png,dog,test", "line 2: the split is 'left'; expe"),
        (b"a.png,caf\xe9\nb.png,dog", r"not in UTF-8 \(byte 9\); save the table as CSV in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_taken_says_why(photos, text, message):
    with pytest.raises(DataError, match=message):
        listed(photos, text)


def test_a_table_that_cannot_be_read_is_an_error(photos, tmp_path):
    with pytest.raises(DataError, match="absent.csv: No such file or directory; expected a table"):
        list_label_table(photos, tmp_path / "absent.csv", TableColumns())


def test_linked_files_are_taken_where_links_are_followed(photos, tmp_path):
    draw(11).save(tmp_path / "outside.png")
    (photos / "out.png").symlink_to(tmp_path / "outside.png")
    table = tmp_path / "labels.csv"
    table.write_text(rows() + "\nout.png,fish")
    plain = {f.path: f.problem for f in list_label_table(photos, table, TableColumns()).files}
    assert plain["out.png"].startswith("symbolic link out of the folder")
    followed = list_label_table(photos, table, TableColumns(), follow_links=True)
    assert {f.path: f.problem for f in followed.files}["out.png"] == ""
    assert os.path.realpath(followed.root / "out.png") == str(tmp_path / "outside.png")
