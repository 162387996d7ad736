"""Which runs there are: found by name, locked while worked on, deleted."""
