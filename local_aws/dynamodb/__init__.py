"""An Amazon DynamoDB for this machine: moto's, with faults, a record of its calls and old reads."""

from local_aws.dynamodb.service import LocalDynamoDb
from local_aws.dynamodb.settings import ConflictKind, DynamoDbSettings, Throttling

__all__ = ["ConflictKind", "DynamoDbSettings", "LocalDynamoDb", "Throttling"]
