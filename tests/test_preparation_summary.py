import json
from dataclasses import replace

from drawing import catalog, entry

from data_pipeline.listing.listing import LeftOut
from data_pipeline.preparation.summary import not_used, summarize


def test_the_summary_counts_what_is_there():
    pictures = catalog(
        entry("cat/a.png", "cat", pixel_hash="x", width=10),
        entry("cat/b.jpg", "cat", pixel_hash="x", format="JPEG"),
        entry("cat/c.png", "cat", verdict="bad", reason="Pillow: broken PNG file"),
        entry("dog/a.png", "dog", pixel_hash="x", height=90),
        entry("dog/b.png", "dog", verdict="bad", reason="Pillow: something else"),
        entry("dog/c.png", "dog", verdict="bad", reason="empty file"),
    )
    summary = summarize(pictures)
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["files"], summary["kept"], summary["bad"]) == (6, 3, 3)
    assert list(summary["bad_by_reason"]) == ["Pillow", "empty file"]
    assert summary["bad_by_reason"]["Pillow"][0] == {
        "path": "cat/c.png",
        "label": "cat",
        "reason": "Pillow: broken PNG file",
    }
    assert summary["class_counts"] == {"cat": 2, "dog": 1}
    assert summary["majority_accuracy"] == 2 / 3
    assert summary["formats"] == {"PNG": 2, "JPEG": 1}
    assert (summary["width"], summary["height"]) == ([10, 40], [30, 90])
    assert [len(group) for group in summary["label_conflicts"]] == [3]
    assert summary["across_splits"] == summary["leaks"] == []
    assert not_used(pictures) == {"Pillow": 2, "empty file": 1}


def test_what_is_outside_of_all_classes_is_summed_up_by_reason():
    linked = "symbolic link to a folder"
    left_out = [("fish", linked), ("birds", linked), (".git", "hidden"), ("a.csv", ".csv file")]
    pictures = replace(
        catalog(entry("cat/a.png", "cat")),
        left_out=tuple(LeftOut(*each) for each in left_out),
        doubts=("one or two?",),
    )
    summary = summarize(pictures)
    assert summary["left_out"] == {
        linked: ["fish", "birds"],
        ".csv file": ["a.csv"],
        "hidden": [".git"],
    }
    assert summary["doubts"] == ["one or two?"]
    assert not_used(pictures) == {"symbolic link to a folder": 2, ".csv file": 1}


def test_copies_across_given_splits_are_reported():
    pictures = catalog(
        entry("train/cat/a.png", "cat", split="train", pixel_hash="x"),
        entry("test/cat/a.png", "cat", split="test", pixel_hash="x"),
        entry("train/dog/a.png", "dog", split="train"),
    )
    summary = summarize(pictures)
    assert summary["split_counts"] == {"train": 2, "test": 1}
    assert [file["path"] for file in summary["across_splits"][0]] == [
        "train/cat/a.png",
        "test/cat/a.png",
    ]
    assert [(leak["split"], leak["share"]) for leak in summary["leaks"]] == [("test", 1.0)]


def test_what_is_in_no_given_split_is_across_one_with_a_copy_in_it():
    copies = [
        entry(f"{number}.png", "cat", split=split, pixel_hash="x")
        for number, split in enumerate(("test", None, "train"))
    ]
    assert len(summarize(catalog(*copies))["across_splits"]) == 1
    assert summarize(catalog(*copies[1:]))["across_splits"] == []


def test_a_folder_without_usable_images_can_be_summed_up():
    summary = summarize(catalog(entry("cat/a.png", "cat", verdict="bad", reason="empty file")))
    assert summary["majority_accuracy"] is None
    assert summary["width"] is None
    assert summary["class_counts"] == {"cat": 0}


def test_what_keeps_a_search_from_beginning_is_said_before_it_is_tried():
    def of(label, count, **fields):
        return [
            entry(f"{label}/{n}.png", label, pixel_hash=f"{label} {n}", **fields)
            for n in range(count)
        ]

    assert summarize(catalog(*of("cat", 5), *of("dog", 5)))["no_training"] is None
    few = summarize(catalog(*of("cat", 5), *of("dog", 2)))["no_training"]
    assert "class dog has 2 usable images; need at least 3" in few
    copies = [entry(f"dog/{n}.png", "dog", pixel_hash="one") for n in range(5)]
    same = summarize(catalog(*of("cat", 5), *copies))["no_training"]
    assert "class dog has 5 usable images, but 1 that are no copies" in same
    parts = [*of("cat", 5, split="train"), *of("dog", 5, split="train")]
    lacking = [*parts, entry("test/cat/9.png", "cat", split="test", pixel_hash="test")]
    assert "dog has no usable image in test" in summarize(catalog(*lacking))["no_training"]
