"""The families of models: one file each, and the table of them."""
