"""Choose the winner, retrain it, write and check its files, test it once."""
