"""The error that every check of the model raises."""

from __future__ import annotations


class InvalidHierarchyError(ValueError):
    """Something that no hierarchy can be; the message has the value, the limit and the remedy."""
