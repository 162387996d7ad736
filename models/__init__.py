"""Build and compile Keras models from hyperparameters."""
