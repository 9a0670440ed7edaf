"""``python -m training update``: what people answered becomes a better model."""
