"""Families of models that a user writes, in a file of code."""
