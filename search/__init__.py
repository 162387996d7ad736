"""The search: oracles, trials, results, export and the command line."""
