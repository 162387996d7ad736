"""Which configuration wins beyond noise."""
