"""`tune serve`: a page on localhost to try a model on, and JSON over HTTP beside it."""
