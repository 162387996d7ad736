"""Pure statistics of predictions, in numpy."""
