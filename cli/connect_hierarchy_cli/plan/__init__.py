"""What a deployment will do: the real engine and core at work on a copy, with no write.

The ledger of the stack is copied into memory, Amazon Connect is read and then stood in for, and
time jumps. What CloudFormation would ask for is asked in the same order, and every call is noted.
"""
