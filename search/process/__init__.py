"""This machine and this process: devices, memory, disk, signals, files, words."""
