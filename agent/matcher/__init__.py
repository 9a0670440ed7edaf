"""Embeddings to scored descriptions."""
