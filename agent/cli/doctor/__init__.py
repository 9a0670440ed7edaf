"""``kikimimi doctor``: a look at everything that a box needs, each with what to type."""
