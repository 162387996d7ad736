"""Search for the best classifier of a folder of photos, look at what was found, and use it.

    python examples/first_search.py [PHOTOS]

Without PHOTOS a small set is drawn.
"""

import sys
from pathlib import Path

from data_pipeline.sample import draw_sample
from search.api import load, tune

if len(sys.argv) > 1:
    data, options = Path(sys.argv[1]), {"max_time": 600}
else:
    data = Path("sample-data")
    if not data.exists():
        draw_sample(data, images_per_class=40)
    options = {"families": "cnn", "image_size": 32, "max_epochs": 2}

run = tune(data, on_trial=lambda trial: print(trial.title, trial.score), **options)
for row in run.table()[:3]:
    print(row.score, row.summary)
print("\n".join(run.insights()))

model = run.export(seeds=0)
print(f"accuracy {model.metrics.accuracy:.4f} on the test images")
for answer in model.predict(data)[:3]:
    print(answer.line())

assert load(run.name).best() == run.best()
print(f"report: {run.report(measure=0)}")
