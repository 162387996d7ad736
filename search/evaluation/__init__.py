"""Statistics of predictions, in numpy."""
