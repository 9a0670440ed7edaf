"""``kikimimi check``: what is wrong, before the box starts."""
