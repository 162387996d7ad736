"""What runs have found, as values: what `tune show`, `list` and `compare` print."""
