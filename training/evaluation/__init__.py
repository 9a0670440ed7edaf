"""How good a model is on held-out recordings, and whether it is better than another."""
