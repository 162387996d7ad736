"""Write exported files, time them by their own runtimes, check them against the model."""
