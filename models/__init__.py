"""Hyperparameters in, compiled Keras models out."""
