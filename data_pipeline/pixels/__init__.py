"""Resize images to uint8 pixels of one size, keep them in one file, and make batches."""
