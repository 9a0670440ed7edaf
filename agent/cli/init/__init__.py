"""``kikimimi init``: five questions, and a configuration that fits the box."""
