"""From a folder to its checked catalog, its prepared pixels and its splits."""
