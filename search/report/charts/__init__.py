"""Draw the charts of the report, one per module."""
