"""A check on a real Amazon Connect instance: of promises, and of undocumented facts."""
