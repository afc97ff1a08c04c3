"""Builds what is published, and tries it on the Pythons that its metadata names."""
