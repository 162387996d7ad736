"""Observers of a search: the display on the terminal, and TensorBoard."""
