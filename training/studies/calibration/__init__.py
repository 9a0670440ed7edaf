"""What calibration promises, and what then happens."""
