"""The families of models: one file for each, and the table of them."""
