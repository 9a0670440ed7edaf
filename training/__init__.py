"""Offline training of the dual encoder: audio tower, text tower, one embedding space."""
