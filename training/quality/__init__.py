"""``python -m training quality``: how far people's answers can be relied on."""
