"""Run functions in worker processes that may hang or die."""
