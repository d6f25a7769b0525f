"""Texts to vectors: dense, sparse, and one for each token."""
