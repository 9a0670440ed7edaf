"""What every room may use: errors, values that cross stages, clock, log."""
