"""Turn labelled image files into checked, prepared pixels and batches for training."""
