"""A custom resource that writes down each event, and what CloudFormation shows at that moment.

The check's stack deploys it as a separate function. It answers the property `Id` as the physical
id, and with `Fail` it answers FAILED to a Create.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import ClientError

TABLE_VARIABLE = "RECORDS"


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ARG001 - Lambda's signature
    """Record the event, and answer it."""
    with contextlib.suppress(ClientError):
        # when the stack is deleted, the table and the permissions may be gone already
        _record(event)
    properties = event["ResourceProperties"]
    fails = event["RequestType"] == "Create" and properties.get("Fail") == "true"
    answer = {
        "Status": "FAILED" if fails else "SUCCESS",
        "Reason": "it fails on purpose, so that the stack rolls back",
        # the answer to a Delete must have the id of its event
        "PhysicalResourceId": event["PhysicalResourceId"]
        if event["RequestType"] == "Delete"
        else properties["Id"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    body = json.dumps(answer).encode()
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own HTTPS address
        event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - the same
        pass


def _record(event: dict[str, Any]) -> None:
    cloudformation: Any = boto3.client("cloudformation")
    stack_id, logical_id = event["StackId"], event["LogicalResourceId"]
    (stack,) = cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
    try:
        resource = cloudformation.describe_stack_resource(
            StackName=stack_id, LogicalResourceId=logical_id
        )["StackResourceDetail"]
    except ClientError:
        resource = {}
    template = cloudformation.get_template(StackName=stack_id)["TemplateBody"]
    declared = template if isinstance(template, dict) else json.loads(template)
    record = {
        "request_type": event["RequestType"],
        "logical_id": logical_id,
        "physical_id": event.get("PhysicalResourceId", ""),
        "wanted_id": event["ResourceProperties"]["Id"],
        "url_has_date": "X-Amz-Date=" in event["ResponseURL"],
        "stack_status": stack["StackStatus"],
        "updated": str(stack.get("LastUpdatedTime", "")),
        "resource_status": resource.get("ResourceStatus", ""),
        "resource_id": resource.get("PhysicalResourceId", ""),
        "declared": sorted(declared["Resources"]),
    }
    boto3.client("dynamodb").put_item(
        TableName=os.environ[TABLE_VARIABLE],
        Item={
            "pk": {"S": "event"},
            "sk": {"S": f"{time.time():.6f} {event['RequestId']}"},
            "record": {"S": json.dumps(record)},
        },
    )
