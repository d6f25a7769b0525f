"""Pairs of a query and a passage to a probability."""
