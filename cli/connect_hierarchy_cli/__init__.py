"""The command `connect-hierarchy`: agent hierarchies of Amazon Connect for operators."""
