"""What a run knows, on disk."""
