"""`AWS::DynamoDB::Table`: tables of the local DynamoDB.

A property that nothing here reads has no effect on this machine; it is accepted all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    ResourceFailedError,
    ResourceRequest,
    ResourceType,
)
from local_aws.cloudformation.template import as_text
from local_aws.dynamodb import LocalDynamoDb
from local_aws.dynamodb.service import DynamoDbError

_REPLACED_BY = ("TableName", "KeySchema", "LocalSecondaryIndexes")
"""The properties whose change replaces the table, by CloudFormation's resource reference."""

_AS_THEY_ARE = (
    "KeySchema",
    "AttributeDefinitions",
    "BillingMode",
    "LocalSecondaryIndexes",
    "GlobalSecondaryIndexes",
)
_MISSING = "ResourceNotFoundException"


def dynamodb_resource_types(dynamodb: LocalDynamoDb) -> dict[str, ResourceType]:
    """The tables of a stack."""
    return {"AWS::DynamoDB::Table": _Table(dynamodb)}


class _Table:
    def __init__(self, dynamodb: LocalDynamoDb) -> None:
        self._perform = dynamodb.perform

    def create(self, request: ResourceRequest) -> Outcome:
        properties = request.properties
        name = str(properties.get("TableName") or request.generated_name())
        with _errors_as_reasons():
            self._perform("CreateTable", TableName=name, **_made_with(properties))
        try:
            with _errors_as_reasons():
                return self._settle(name, properties, {})
        except ResourceFailedError as error:
            # half of it stands: the rollback removes that
            raise ResourceFailedError(str(error), name) from None

    def update(self, request: ResourceRequest) -> Outcome:
        old, new, name = request.old_properties, request.properties, request.physical_id
        with _errors_as_reasons():
            changed = {
                key: value
                for key, value in _changed_in_place(new).items()
                if _changed_in_place(old).get(key) != value
            }
            if changed:
                self._perform("UpdateTable", TableName=name, **changed)
            self._tag(name, old, new)
            return self._settle(name, new, old)

    def delete(self, request: ResourceRequest) -> None:
        with _errors_as_reasons():
            try:
                self._perform("DeleteTable", TableName=request.physical_id)
            except DynamoDbError as error:
                if error.code != _MISSING:
                    raise

    def replaces(self, old: Properties, new: Properties) -> bool:
        return any(old.get(name) != new.get(name) for name in _REPLACED_BY)

    def _settle(self, name: str, new: Properties, old: Properties) -> Outcome:
        """Make the settings of a table that need other calls, and return its attributes."""
        if _recovery(new) != _recovery(old):
            self._perform(
                "UpdateContinuousBackups",
                TableName=name,
                PointInTimeRecoverySpecification=_recovery(new),
            )
        expiry = new.get("TimeToLiveSpecification")
        if expiry != old.get("TimeToLiveSpecification"):
            expiry = expiry or {**old["TimeToLiveSpecification"], "Enabled": False}
            self._perform(
                "UpdateTimeToLive",
                TableName=name,
                TimeToLiveSpecification={**expiry, "Enabled": _is_true(expiry["Enabled"])},
            )
        table = self._perform("DescribeTable", TableName=name)["Table"]
        attributes = {"Arn": table["TableArn"]}
        if "LatestStreamArn" in table:
            attributes["StreamArn"] = table["LatestStreamArn"]
        return Outcome(name, attributes)

    def _tag(self, name: str, old: Properties, new: Properties) -> None:
        before, after = _tags(old), _tags(new)
        arn = self._perform("DescribeTable", TableName=name)["Table"]["TableArn"]
        gone = sorted(before.keys() - after.keys())
        if gone:
            self._perform("UntagResource", ResourceArn=arn, TagKeys=gone)
        if after != before and after:
            tags = [{"Key": key, "Value": value} for key, value in after.items()]
            self._perform("TagResource", ResourceArn=arn, Tags=tags)


@contextmanager
def _errors_as_reasons() -> Iterator[None]:
    try:
        yield
    except DynamoDbError as error:
        raise ResourceFailedError(f"{error} (Service: DynamoDb, {error.code})") from None
    except KeyError as error:
        msg = f"Properties validation failed: required key [{error.args[0]}] not found"
        raise ResourceFailedError(msg) from None


def _made_with(properties: Properties) -> dict[str, Any]:
    """The parameters of CreateTable, except for the name."""
    if "KeySchema" not in properties:
        raise KeyError("KeySchema")
    parameters = {key: properties[key] for key in _AS_THEY_ARE if key in properties}
    parameters |= _changed_in_place(properties)
    if properties.get("Tags"):
        parameters["Tags"] = properties["Tags"]
    return parameters


def _changed_in_place(properties: Properties) -> dict[str, Any]:
    """The parameters that CreateTable and UpdateTable share."""
    protected = _is_true(properties.get("DeletionProtectionEnabled", False))
    parameters: dict[str, Any] = {"DeletionProtectionEnabled": protected}
    if "BillingMode" in properties:
        parameters["BillingMode"] = properties["BillingMode"]
    throughput = properties.get("ProvisionedThroughput")
    if throughput:
        parameters["ProvisionedThroughput"] = {key: int(n) for key, n in throughput.items()}
    if "StreamSpecification" in properties:
        parameters["StreamSpecification"] = {
            "StreamEnabled": True,
            **properties["StreamSpecification"],
        }
    encryption = properties.get("SSESpecification")
    if encryption:
        further = {key: value for key, value in encryption.items() if key != "SSEEnabled"}
        enabled = _is_true(encryption.get("SSEEnabled", False))
        parameters["SSESpecification"] = {"Enabled": enabled, **further}
    return parameters


def _recovery(properties: Properties) -> dict[str, Any]:
    """Whether the table can be restored to a point in time; off by default."""
    given: Mapping[str, Any] = properties.get("PointInTimeRecoverySpecification", {})
    recovery: dict[str, Any] = {
        "PointInTimeRecoveryEnabled": _is_true(given.get("PointInTimeRecoveryEnabled", False))
    }
    if "RecoveryPeriodInDays" in given:
        recovery["RecoveryPeriodInDays"] = int(given["RecoveryPeriodInDays"])
    return recovery


def _is_true(value: Any) -> bool:
    """A boolean as templates write it: true or "true"."""
    return as_text(value) == "true"


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: as_text(tag["Value"]) for tag in properties.get("Tags", [])}
