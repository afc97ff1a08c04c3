"""Custom resource handlers for the agent hierarchies of Amazon Connect."""
