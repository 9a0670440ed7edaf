"""Sound files of every kind: what they are, and their frames as they come out of a decoder."""
