"""The recorder's function, as it is deployed."""
