"""Race the backbones: which probes are run, in which order, and who goes on."""
