"""Hold many rows of values as columns, in memory and in files that are read in pieces."""
