"""What a run has found, as one HTML file and as the table of `tune show`."""
