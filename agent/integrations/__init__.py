"""What attaches to a running box from outside of its data path; each can be taken away."""
