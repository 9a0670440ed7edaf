"""Sources of sound: each gives mono blocks with a sample index and a UTC time."""
