"""What a search has taught: which values mattered, where they were good, which ranges to widen."""
