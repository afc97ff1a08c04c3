"""The error that every check of the model raises."""

from __future__ import annotations


class InvalidHierarchyError(ValueError):
    """A value that no hierarchy can have; the message has the value, the limit and the remedy."""
