"""Say what is compiled by XLA: little, and never unasked.

Where TensorFlow sees a GPU, Keras compiles the calls of a model by XLA unless told otherwise, once
for each shape of a batch. Measured on an H200: half a minute for a network, and XLA has no resize
with antialiasing, with which every exported model begins.
"""

import warnings

import keras
from keras import layers


def without_xla(model: keras.Model) -> keras.Model:
    """Let Keras run a model as TensorFlow does; the same model."""
    model.jit_compile = False
    return model


def can_be_compiled(model: keras.Model) -> bool:
    """Tell whether XLA has all that the layers of a model need, as far as Keras knows."""
    before = model.jit_compile
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not
        model.jit_compile = True
    can, model.jit_compile = model.jit_compile, before
    return can


def no_xla_mark() -> layers.Layer:
    """Make a layer that changes nothing, and that tells Keras to compile its model not by XLA.

    For files: `keras.models.load_model` gives a model that decides by its layers. This is a layer
    of Keras that XLA has no operation for. It moves images by 0 pixels, and in training alone.
    """
    return layers.RandomTranslation(0.0, 0.0, name="not_by_xla")
