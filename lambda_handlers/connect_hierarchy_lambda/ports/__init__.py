"""The services: Amazon Connect, the ledger, the own stack, time and pace.

The only room that knows boto3.
"""
