"""Algorithms that halve the number of configurations from rung to rung."""
