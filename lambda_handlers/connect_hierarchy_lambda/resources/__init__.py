"""A module for each custom resource: event to wish, outcome to answer."""
