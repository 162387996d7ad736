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
