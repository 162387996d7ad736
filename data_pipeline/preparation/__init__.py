"""Make a data set ready for training: its catalog, its prepared pixels and its splits."""
