"""Who watches a search: the terminal and TensorBoard."""
