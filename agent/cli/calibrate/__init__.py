"""``kikimimi calibrate``."""
