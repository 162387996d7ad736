"""Augment whole batches of images, without state: the same seed gives the same images."""
