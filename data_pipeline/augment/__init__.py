"""Augmentation of whole batches, without state."""
