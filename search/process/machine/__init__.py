"""This machine: processors, GPUs, memory, disks, and how fast it is."""
