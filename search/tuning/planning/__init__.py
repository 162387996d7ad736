"""Settle what a search will do, before it starts."""
