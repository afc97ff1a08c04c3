"""What to do next: pure functions over the wish, the ledger's records and the service's answers.

They use no clock, no input or output and no boto3, so a test can try every case.
"""
