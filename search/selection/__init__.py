"""Choose the configuration that wins beyond noise."""
