"""What is measured once and written up in docs/experiments."""
