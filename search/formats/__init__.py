"""Exported files: written, timed by their own runtimes, checked against the model."""
