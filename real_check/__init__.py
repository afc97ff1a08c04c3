"""Half an hour on a real Amazon Connect instance: are the promises kept, what is not documented?"""
