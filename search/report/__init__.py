"""What a run has found, as one HTML file."""
