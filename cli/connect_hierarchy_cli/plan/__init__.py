"""What a deployment will do: the real engine and core on a copy, without any write.

The ledger of the stack is copied into memory, Amazon Connect is read and then replaced, and time
jumps. The requests that CloudFormation would send are served in the same order, and every call is
noted.
"""
