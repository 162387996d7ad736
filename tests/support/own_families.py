"""Files as users write them: families of their own."""

from pathlib import Path

from search.api.own_families import definitions

BLOCKS = """
import keras
import keras_tuner
from keras import layers


class Blocks(keras_tuner.HyperModel):
    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.shape, self.num_classes = input_shape, num_classes

    def build(self, hp):
        x = images = keras.Input(self.shape)
        x = layers.Rescaling(1 / 255)(x)
        for number in range(hp.Int("blocks", 1, 2)):
            x = layers.Conv2D(hp.Int(f"filters_{number}", 4, 8, step=4), 3, strides=2)(x)
            x = layers.SpatialDropout2D(hp.Float("dropout", 0.0, 0.4, step=0.2))(x)
        pooling = hp.Choice("pooling", ["average", "flatten"])
        x = layers.GlobalAveragePooling2D()(x) if pooling == "average" else layers.Flatten()(x)
        with hp.conditional_scope("pooling", ["flatten"]):
            if pooling == "flatten":
                x = layers.Dense(hp.Choice("units", [4, 8]), activation="relu")(x)
        model = keras.Model(images, layers.Dense(self.num_classes, activation="softmax")(x))
        rate = hp.Float("rate", 1e-4, 1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
        return model
"""

# What KerasTuner's guide "Getting started" builds: the example's definitions.
_EXAMPLES = Path(__file__).parents[2] / "examples"
GUIDE = definitions((_EXAMPLES / "own_family.py").read_text())

# Layers of its own, one of them registered by its author.
LAYERED = """
import keras
from keras import layers


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


@keras.saving.register_keras_serializable(package="mine")
class Halved(layers.Layer):
    def call(self, x):
        return x / 2


def build_layered(hp, input_shape, classes):
    images = keras.Input(input_shape)
    x = Doubled()(Halved()(images))
    x = layers.GlobalMaxPooling2D()(layers.Conv2D(hp.Choice("filters", [2, 4]), 3)(x))
    return keras.Model(images, layers.Activation("softmax")(layers.Dense(classes)(x)))
"""

# A public one (KerasTuner's own), which takes pixels from 0 to 1.
PUBLIC = """
import keras
from keras_tuner.applications import HyperXception


class Scaled(HyperXception):
    def build(self, hp):
        images = keras.Input(self.input_shape)
        return keras.Model(images, super().build(hp)(keras.layers.Rescaling(1 / 255)(images)))
"""


def written(folder, code, name="mine.py"):
    """Write a file of code."""
    path = folder / name
    path.write_text(code)
    return path
