"""What ratings are worth that a rule has asked for."""
