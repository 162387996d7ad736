"""How far a result can be believed: ties, calibration, the lock box, label errors."""
