"""Pretrained networks: which there are, their weights, their classes."""
