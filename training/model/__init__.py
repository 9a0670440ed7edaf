"""The dual encoder: towers, heads, what a checkpoint holds, and where all training starts."""
