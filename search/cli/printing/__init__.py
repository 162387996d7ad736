"""What the commands print: results as text."""
