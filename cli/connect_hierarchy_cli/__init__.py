"""The command `connect-hierarchy`: see, check and change agent hierarchies of Amazon Connect."""
