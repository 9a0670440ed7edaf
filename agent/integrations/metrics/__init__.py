"""What Prometheus collects from a box: definitions, values, the address, and what joins them."""
