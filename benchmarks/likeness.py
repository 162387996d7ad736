"""Measure how often `tune predict --check` is wrong, and what it sees.

    python benchmarks/likeness.py RUN --same DIR --other DIR --shifted DIR

RUN is an exported run; the photos in --same are of its kind (and not its own), those in --shifted
the same things by another camera, those in --other something else. Prints, as JSON: how often a
draw of 40 photos of the same kind is said to differ, over 200 draws; the share of photos that is
called unlike; and the same for darker photos, --shifted and --other, with the AUROC of the
distance.
"""

import json
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from sklearn.metrics import roc_auc_score

from data_pipeline.pixels.reading import read_images
from search.api import load
from search.evaluation.likeness import energy_test, neighbour_distances
from search.likeness.embedding import Embedding
from search.likeness.reference import RATE, reference_of
from search.process.progress import Silent

DRAWN = 40
DRAWS = 200
MOST = 2_000
DARKER = 0.5


def embedded(classifier, folder, darker=1.0):
    """Embeddings of up to 2,000 photos below a folder, in an order drawn once."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    files = [files[place] for place in np.random.default_rng(0).permutation(len(files))[:MOST]]
    embedding = Embedding(classifier.model)
    size, mode = classifier.image_size, classifier.resize_mode
    batch = []
    for image, _ in read_images(files, image_size=size, resize_mode=mode):
        if image is not None:
            batch.append((image * darker).astype(np.uint8))
        if len(batch) == 32:
            embedding.predict_on_batch(np.stack(batch))
            batch = []
    return embedding.taken()


def seen(rows, reference, same_distances):
    """What is said of these photos."""
    random = np.random.default_rng(1)
    p_values = [
        energy_test(rows[random.permutation(len(rows))[:DRAWN]], reference.tested, seed=n)
        for n in range(DRAWS)
    ]
    distances = neighbour_distances(rows, reference.trained)
    truth = [0] * len(same_distances) + [1] * len(distances)
    return {
        "photos": len(rows),
        "called_unlike": round(float((distances > reference.limit).mean()), 4),
        "draws_that_differ": round(float(np.mean([p <= RATE for p in p_values])), 4),
        "auroc": round(float(roc_auc_score(truth, [*same_distances, *distances])), 4),
    }


@click.command()
@click.argument("run")
@click.option("--same", required=True, type=click.Path(exists=True))
@click.option("--shifted", type=click.Path(exists=True))
@click.option("--other", type=click.Path(exists=True))
def main(run, same, shifted, other):
    run = load(run)
    classifier = run.exported.classifier
    reference = reference_of(run.folder, replace(classifier), Silent())
    rows = embedded(classifier, same)
    distances = neighbour_distances(rows, reference.trained)
    result = {"same": seen(rows, reference, distances)}
    result["darker"] = seen(embedded(classifier, same, DARKER), reference, distances)
    for name, folder in (("shifted", shifted), ("other", other)):
        if folder:
            result[name] = seen(embedded(classifier, folder), reference, distances)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
