"""The interface for Python programs and notebooks, beside the command line.

    from search.api import tune

    run = tune("photos/", max_time=600)
    model = run.export()
    print(model.predict(["photo.jpg"])[0].line())

Names and defaults are those of the command line's options; times are in seconds, sizes in bytes.
TensorFlow is imported when it is needed. What a user can mend is raised as
`search.errors.TuneError`, `data_pipeline.errors.DataError` or `models.errors.ModelError`.
"""

from search.api.exported import Exported
from search.api.options import SearchOptions
from search.api.run import Run, compare, load
from search.api.searching import resume, tune, update

__all__ = ["Exported", "Run", "SearchOptions", "compare", "load", "resume", "tune", "update"]
