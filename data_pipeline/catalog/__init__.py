"""A folder of files: what is in it, and what is known of each file."""
