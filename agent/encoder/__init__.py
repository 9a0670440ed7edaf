"""Windows and texts to embeddings."""
