"""What to do next: pure functions over the wish, the ledger's records and the service's answers.

No clock, no input or output, no boto3: everything here can be checked by trying everything.
"""
