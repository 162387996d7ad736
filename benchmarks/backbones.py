"""Export every pretrained network in every format, and compare each file with the network.

    python benchmarks/backbones.py [NAME...] [--size 96]

The networks have random weights, and batch statistics of the images that they are asked about, so
that their answers differ from image to image. Prints for each network and format the largest
difference of a probability and the size of the file; exit status 1 where a difference is larger
than the check of exported files allows, or where all images get the same answer.
"""

import sys
import tempfile
from pathlib import Path

import click
import numpy as np

from search.process.quiet import import_tensorflow, silent

import_tensorflow()

import keras  # noqa: E402
import keras_tuner  # noqa: E402

from models.hypermodel import ImageClassifier, default_values  # noqa: E402
from models.pretrained.backbones import BACKBONES  # noqa: E402
from models.serving import in_float32, with_preprocessing  # noqa: E402
from search.errors import TuneError  # noqa: E402
from search.evaluation.metrics import two_columns  # noqa: E402
from search.formats.format import Source  # noqa: E402
from search.formats.measuring import size_of  # noqa: E402
from search.formats.registry import FORMATS  # noqa: E402
from search.formats.write import write_format  # noqa: E402

NAMES = ("saved_model", "litert", "onnx")
IMAGES = 16
STEEPNESS = 3.0  # standard deviation of the logits, so that probabilities are far from 0.5


def images_of(size):
    """Smooth random images, uint8: noise alone looks all the same to a network."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (IMAGES, 6, 6, 3))
    return keras.ops.image.resize(coarse, (size, size)).numpy().clip(0, 255).astype(np.uint8)


def network(name, size, images):
    """A classifier on the network, whose answers to the images differ."""
    hypermodel = ImageClassifier(
        families=("transfer",),
        backbones=(name,),
        image_size=(size, size),
        num_classes=2,
        compact=True,
        weights=None,
        backbone_sizes=(size,),
    )
    hp = keras_tuner.HyperParameters()
    hp.values = default_values(hypermodel, "transfer") | {"transfer/head_units": 0}
    keras.utils.set_random_seed(0)
    model = hypermodel.build(hp)
    layers = [layer for part in model.layers for layer in getattr(part, "layers", [part])]
    for layer in layers:
        if type(layer).__name__ == "LayerScale":  # at 1e-6 ConvNeXt's blocks count for nothing
            layer.gamma.assign(keras.ops.ones(layer.gamma.shape))
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    for _ in range(2):
        model(images, training=True)
    for layer, momentum in zip(norms, before, strict=True):
        layer.momentum = momentum
    head = model.get_layer("head").get_layer("probabilities")
    p = model.predict(images, verbose=0).astype(np.float64).clip(1e-9, 1 - 1e-9)
    logits = np.log(p / (1 - p))
    scale = STEEPNESS / max(float(logits.std()), 1e-12)
    kernel, _ = head.get_weights()
    head.set_weights([kernel * scale, np.array([-logits.mean() * scale], np.float32)])
    return in_float32(model)


def compare(name, size):
    """Print a line for each format; whether all agree with the network."""
    images, fine = images_of(size), True
    model = network(name, size, images)
    expected = two_columns(model.predict(images, verbose=0))
    spread = float(np.ptp(expected[:, 0]))
    finished = with_preprocessing(
        model, image_size=(size, size), resize_mode="squeeze", num_classes=2
    )
    source = Source(model, finished, (size, size), 2, images)
    for format_name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = write_format(source, format_name, Path(folder))
                with silent():
                    answers = FORMATS[format_name].open(path)(images)
            except TuneError as error:
                print(f"{name:20} {format_name:12} FAILED: {error}", flush=True)
                fine = False
                continue
            difference = float(np.abs(answers - expected).max())
            limit = FORMATS[format_name].tolerance.difference
            right = difference <= limit and spread > 0.1
            fine &= right
            print(
                f"{name:20} {format_name:12} difference {difference:.1e}, spread {spread:.2f}, "
                f"{size_of(path) / 1e6:.1f} MB{'' if right else '  FAILED'}",
                flush=True,
            )
    return fine


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BACKBONES)))
@click.option("--size", default=96, show_default=True)
def main(names, size):
    results = [compare(name, size) for name in names or BACKBONES]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
