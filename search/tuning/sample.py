"""The sample data that `tune run` uses when it is given no folder."""

from pathlib import Path

from rich.console import Console


def sample_data(folder: Path, console: Console) -> Path:
    """The drawn sample; made if it is not there yet."""
    from data_pipeline.sample import draw_sample

    if not folder.exists():
        console.print(f"no DATA given: drawing the sample in {folder}/")
        draw_sample(folder)
    else:
        console.print(f"no DATA given: using the sample in {folder}/")
    return folder
