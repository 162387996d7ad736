"""Work in processes that may hang or die."""
