"""Files of exported models: written, measured by their own runtimes, checked, read again."""
