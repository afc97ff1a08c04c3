"""The port to the services: their calls with pages, retries and error classes.

The only floor that knows boto3.
"""
