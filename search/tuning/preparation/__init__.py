"""Prepare the images of a run: in this process, or where they are many in one of its own."""
