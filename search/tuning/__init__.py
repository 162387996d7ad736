"""Run a search to its end."""
