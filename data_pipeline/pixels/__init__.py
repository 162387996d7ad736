"""Images as uint8 pixels of one size, and batches of them."""
