"""What frozen backbones put out: computed once, kept on disk for all runs, and trained on."""
