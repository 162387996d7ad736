"""`python -m search` is `tune`."""

from search.cli import console

console()
