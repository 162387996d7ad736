"""Trials on the machines of a Ray cluster, or on this one through Ray."""
