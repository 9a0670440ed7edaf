"""``kikimimi bench``: what the box costs on this machine."""
