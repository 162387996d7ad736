"""Train one configuration on one rung."""
