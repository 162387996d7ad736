"""Pretrained networks: the list of them, their weights and their classes."""
