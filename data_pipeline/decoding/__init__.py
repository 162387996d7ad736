"""Decode files to upright RGB pixels, and say what a file is that cannot be."""
