"""``kikimimi labels``: what people answered, listed, exported for training, and deleted."""
