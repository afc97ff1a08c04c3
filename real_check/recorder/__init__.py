"""The function of the recorder, as it is deployed."""
