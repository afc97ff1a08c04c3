"""The levels, groups and agents' groups of an instance, made in another one."""
