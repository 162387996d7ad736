"""Which labels are likely wrong."""
