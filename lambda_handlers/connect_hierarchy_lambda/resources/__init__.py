"""One module a custom resource: create, update and delete in terms of the model and the port."""
