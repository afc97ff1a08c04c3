"""Agents and the groups that they are to be in: files, plans, moves."""
