"""The interface for Python programs and notebooks, which the commands call too.

    from search.api import tune

    run = tune("photos/", max_time=600)
    model = run.export()
    print(model.predict(["photo.jpg"])[0].line())

Names and defaults are those of the command line's options; times are in seconds, sizes in bytes.
TensorFlow is imported when it is needed. What a user can mend is raised as
`search.errors.TuneError`, `data_pipeline.errors.DataError` or `models.errors.ModelError`.
"""

from search.api.exported import Exported
from search.api.options import ReadingOptions, SearchOptions, TrainOptions, UpdateOptions
from search.api.run import Run, compare, load
from search.api.running import RunningOptions
from search.api.searching import plan, resume, train, tune, update

__all__ = [
    "Exported",
    "ReadingOptions",
    "Run",
    "RunningOptions",
    "SearchOptions",
    "TrainOptions",
    "UpdateOptions",
    "compare",
    "load",
    "plan",
    "resume",
    "train",
    "tune",
    "update",
]
