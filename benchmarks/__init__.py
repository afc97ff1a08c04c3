"""Measures what deployments of hierarchies cost, side by side with other ways of doing the work."""
