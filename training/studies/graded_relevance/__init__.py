"""What people's graded ratings teach a text head, where recordings are told by their captions."""
