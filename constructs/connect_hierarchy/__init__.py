"""CDK constructs for the agent hierarchies of Amazon Connect."""
