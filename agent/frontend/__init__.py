"""Sound to windows of log-mel, each frame computed once."""
