"""The permissions that IAM checks for each call to DynamoDB: pairs of an action and an ARN.

The sources are the service authorization reference of DynamoDB and "IAM and transactions" of its
developer guide: a transaction needs the permissions of the writes in it, and has none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_IN_TRANSACTIONS: Mapping[str, str] = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


def checked(
    api: str, parameters: Mapping[str, Any], tables_arn: str
) -> tuple[tuple[str, str], ...]:
    """The permissions that IAM checks before a call.

    Args:
        api: the call.
        parameters: as botocore names them.
        tables_arn: a table's ARN up to its name.
    """
    return tuple(
        dict.fromkeys(
            (
                f"dynamodb:{action}",
                resource if resource.startswith("arn:") else tables_arn + resource,
            )
            for action, resource in _pairs(api, parameters)
        )
    )


def _pairs(api: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Actions, each with the name or ARN of a table or index."""
    if "TransactItems" in parameters:
        for item in parameters["TransactItems"]:
            for kind, operation in item.items():
                yield _IN_TRANSACTIONS[kind], operation["TableName"]
    elif "RequestItems" in parameters:
        for table in parameters["RequestItems"]:
            yield api, table
    elif "IndexName" in parameters:
        yield api, f"{parameters['TableName']}/index/{parameters['IndexName']}"
    else:
        yield api, parameters.get("TableName") or parameters.get("ResourceArn") or "*"
