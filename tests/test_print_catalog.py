from drawing import catalog, entry

from data_pipeline.preparation.summary import summarize
from search.cli.printing.catalog import print_summary


def _leaky(count):
    return catalog(
        *(
            entry(f"{split}/cat/{n}.png", "cat", split=split, pixel_hash=f"same {n}")
            for split in ("train", "test")
            for n in range(count)
        )
    )


def test_a_summary_says_what_leaks_and_shows_some_of_it(capsys):
    print_summary(summarize(_leaky(7)))
    printed = capsys.readouterr().out
    assert "test: 7 of 7 images (100.0 %) are copies of images in train\n" in printed
    assert "  test/cat/0.png, train/cat/0.png\n" in printed
    assert printed.count("  test/cat/") == 5
    assert "and 2 more groups" in printed


def test_a_bad_file_is_shown_with_what_it_is_and_what_to_do(capsys):
    raw = "format not supported: camera raw; export it as JPEG or TIFF"
    files = [("a.cr2", raw), ("b.cr2", raw), ("c.png", "empty file")]
    entries = [entry(f"cat/{name}", "cat", verdict="bad", reason=why) for name, why in files]
    good = [entry(f"dog/{n}.png", "dog", pixel_hash=str(n)) for n in range(4)]
    print_summary(summarize(catalog(*entries, *good)))
    printed = " ".join(capsys.readouterr().out.split())
    assert "cat/a.cr2 (camera raw; export it as JPEG or TIFF), cat/b.cr2 (camera raw;" in printed
    assert "bad: empty file 1 cat/c.png" in printed
    assert "tune run would refuse it: " in printed
    cats = [entry(f"cat/{n}.png", "cat", pixel_hash=f"cat {n}") for n in range(4)]
    print_summary(summarize(catalog(*good, *cats)))
    printed = capsys.readouterr().out
    assert "would refuse" not in printed
    assert "; 40 px wide, 30 px high" in printed
    print_summary(summarize(catalog(*good, *cats, entry("dog/w.png", "dog", width=90))))
    assert "; 40 to 90 px wide, 30 px high" in capsys.readouterr().out
