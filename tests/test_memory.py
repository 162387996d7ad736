"""What a trial has traced is let go of when it ends."""

import gc

import keras
import numpy as np

from search.process.machine.memory import machine_memory, released_graphs, resident_bytes


def graphs():
    return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())


def train_one():
    images = keras.Input((8, 8, 3))
    x = keras.layers.SeparableConv2D(8, 3)(images)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(x))
    model = keras.Model(images, keras.layers.Dense(1)(x))
    model.compile("adam", "mse", jit_compile=False)
    model.fit(np.zeros((16, 8, 8, 3)), np.zeros((16, 1)), batch_size=8, verbose=0)


def test_graphs_of_a_trained_model_do_not_stay():
    with released_graphs():
        train_one()
    before = graphs()
    for _ in range(3):
        with released_graphs():
            train_one()
    assert graphs() <= before


def test_memory_is_told_in_bytes():
    assert 10**7 < resident_bytes() < machine_memory()
