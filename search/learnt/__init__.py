"""What a search has taught: which values mattered, where they were good, what lies at an edge."""
