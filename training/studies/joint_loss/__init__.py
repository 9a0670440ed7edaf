"""The experiment: which way to learn from labels and ratings is best, and how surely."""
