"""Copying the levels, groups and agents' groups of an instance into another one."""
