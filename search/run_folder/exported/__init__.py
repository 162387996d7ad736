"""What a run knows of its export: its figures, and the finalists that it was chosen from."""
