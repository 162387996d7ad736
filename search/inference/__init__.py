"""Check and load an exported model file, and classify images with it."""
