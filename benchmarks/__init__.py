"""Measures the cost of deploying hierarchies, next to other ways of doing the same work."""
