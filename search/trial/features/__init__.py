"""What frozen backbones put out: computed once, kept on disk for all trials and runs."""
