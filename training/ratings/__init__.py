"""Ratings as lists, raters that are simulated or estimated, and what people should rate next."""
