"""An AWS on this machine: enough of it to deploy Connect hierarchies with the real CDK CLI."""
