"""The sample data that `tune run` uses when it is given no folder."""

from pathlib import Path

from search.process.progress import ProgressSink


def sample_data(folder: Path, progress: ProgressSink) -> Path:
    """The drawn sample; made if it is not there yet."""
    from data_pipeline.sample import draw_sample

    if not folder.exists():
        progress.message(f"no DATA given: drawing the sample in {folder}/")
        draw_sample(folder)
    else:
        progress.message(f"no DATA given: using the sample in {folder}/")
    return folder
