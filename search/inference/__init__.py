"""An exported model file, checked before it is loaded, and asked about images."""
