"""``kikimimi teach``: a sound becomes an example, through the running agent or without one."""
