"""Look at what a GPU does for a search, and print a page to send in.

    python benchmarks/gpu.py [--minutes 3] [--images 2000] --out FOLDER

Draws images, searches on them once without pretrained networks, then measures the baseline of each
family on the same images: by how much the probabilities of GPU and processor differ, how many
images per second a training takes in float32 and in the precision of the search, and which share
of what the device can multiply at most that is. Without a GPU it says so, and measures the
processor. Writes gpu.md, and all figures to gpu.json.
"""

import json
import platform
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np

from data_pipeline.sample import draw_sample
from search.process.quiet import import_tensorflow
from search.process.wording import counted

LONGEST = 3600  # seconds that the search may take at most, beyond its limit
COMPARED = 64  # images on which processor and GPU are compared
TRAINING_PASSES = 3  # a step multiplies about three times as much as a prediction


def searched(out, images, minutes):
    """Search once; what the records say of it."""
    data = out / "drawn"
    if not data.exists():
        draw_sample(data, images_per_class=images // 3)
    options = ["--families", "cnn,xception", "--results", out, "--name", "gpu"]
    options += ["--cache-dir", out / "cache", "--max-time", f"{minutes * 60:.0f}s"]
    command = [sys.executable, "-m", "search", "run", data, *options]
    start = time.monotonic()
    subprocess.run(command, check=True, timeout=minutes * 60 + LONGEST, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    records = [json.loads(path.read_text()) for path in (out / "gpu" / "trials").glob("*.json")]
    if not records:
        raise click.ClickException(
            f"no trial has ended within {minutes:g} min; give more --minutes"
        )
    return {
        "seconds": round(seconds, 1),
        "trials": len(records),
        "share_in_steps": round(sum(record["step_seconds"] for record in records) / seconds, 3),
        "best": max(record["score"] or 0.0 for record in records),
    }


def flops(model, image_size):
    """Floating-point operations of a prediction for one image."""
    tf = import_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    shape = tf.TensorSpec([1, *image_size, 3], tf.uint8)
    traced = tf.function(lambda images: model(images, training=False)).get_concrete_function(shape)
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    graph = convert_variables_to_constants_v2(traced).graph
    return profiler.profile(graph, options=options).total_float_ops


def peak(dtype, on_gpu):
    """Operations per second of multiplying large matrices: what the device can do at most."""
    tf = import_tensorflow()
    side = 8192 if on_gpu else 1024
    one = tf.cast(tf.random.normal([side, side]), dtype)
    multiply = tf.function(lambda: tf.reduce_sum(tf.cast(tf.linalg.matmul(one, one), tf.float32)))
    multiply().numpy()
    rounds = []
    for _ in range(5):
        start = time.monotonic()
        multiply().numpy()
        rounds.append(time.monotonic() - start)
    return 2 * side**3 / min(rounds)


def parity(classifier, hp, pixels):
    """The largest difference of a probability between processor and GPU."""
    tf = import_tensorflow()
    with tf.device("/CPU:0"):
        model = classifier.build(hp)
        expected = model(pixels, training=False).numpy()
    with tf.device("/GPU:0"):
        other = classifier.build(hp)
        other.set_weights(model.get_weights())
        found = other(pixels, training=False).numpy()
    return float(np.abs(expected - found).max())


def measured(experiment, values, precision, on_gpu):
    """Images per second of training a baseline, and what share of the arithmetic limit that is."""
    from models.hypermodel import with_values
    from search.process.machine.memory import released_graphs
    from search.trial.keras_setup import set_up_training
    from search.trial.step_time import measure

    config = replace(experiment.config, precision=precision)
    set_up_training(config)
    experiment = replace(experiment, config=config)
    rate = 1 / measure(experiment, values, len(experiment.train)).image
    with released_graphs():
        hp = with_values(values)
        classifier = experiment.classifier
        each = flops(classifier.build(hp), config.image_size)
        images = np.asarray(experiment.pixels[:COMPARED])
        differs = parity(classifier, hp, images) if on_gpu and precision == "float32" else None
    limit = peak("float32" if precision == "float32" else precision.removeprefix("mixed_"), on_gpu)
    return {
        "family": values["family"],
        "precision": precision,
        "images_per_second": round(rate, 1),
        "share_of_limit": round(rate * each * TRAINING_PASSES / limit, 4),
        "gpu_differs_from_processor": differs,
    }


def page(found):
    """Say it in Markdown."""
    search = found["search"]
    lines = [
        f"# {found['device']}",
        "",
        f"{found['machine']}; TensorFlow {found['tensorflow']}, Keras {found['keras']}.",
        "" if found["gpus"] else "\nNo GPU here: these are figures of the processor.\n",
        f"A search of {search['seconds']:.0f} s: {counted(search['trials'], 'trial')}, best "
        f"validation accuracy {search['best']:.4f}, {search['share_in_steps']:.0%} of the time "
        "in steps.",
        "",
        "| family | precision | images per second | of the arithmetic limit | differs |",
        "|---|---|---|---|---|",
    ]
    for row in found["training"]:
        differs = row["gpu_differs_from_processor"]
        lines.append(
            f"| {row['family']} | {row['precision']} | {row['images_per_second']:,.0f} | "
            f"{row['share_of_limit']:.1%} | {'-' if differs is None else f'{differs:.1e}'} |"
        )
    return "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.option("--minutes", default=3.0, show_default=True, help="Time of the search.")
@click.option("--images", default=2_000, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(minutes, images, out):
    out.mkdir(parents=True, exist_ok=True)
    search = searched(out, images, minutes)
    from search.api import load
    from search.process.machine.gpus import visible_gpus
    from search.process.machine.hardware import detect
    from search.trial.experiment import Experiment
    from search.tuning.planning.print_plan import baselines

    tf = import_tensorflow()
    hardware = detect()
    experiment = Experiment.load(load("gpu", results=out).folder)
    auto = hardware.precision("auto")
    precisions = list(dict.fromkeys(["float32", auto]))
    found = {
        "device": ", ".join(hardware.gpus) or platform.processor() or platform.machine(),
        "gpus": [asdict(gpu) for gpu in visible_gpus()] if hardware.gpus else [],
        "machine": platform.platform(),
        "tensorflow": tf.__version__,
        "keras": tf.keras.__version__,
        "search": search,
        "training": [
            measured(experiment, values, precision, bool(hardware.gpus))
            for values in baselines(experiment)
            for precision in precisions
        ],
    }
    (out / "gpu.json").write_text(json.dumps(found, indent=1))
    (out / "gpu.md").write_text(page(found))
    print(page(found), end="")


if __name__ == "__main__":
    main()
