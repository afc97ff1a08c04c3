"""CloudFormation: its API, its deployment engine and the resource types that this AWS knows."""
