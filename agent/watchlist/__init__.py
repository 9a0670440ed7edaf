"""Everything that follows from descriptions, bundle, site and answers."""
