"""What a search tries next: the oracles, their plans and the ranges they draw from."""
