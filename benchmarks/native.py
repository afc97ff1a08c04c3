"""Native resources of CloudFormation: `AWS::Connect::UserHierarchyGroup` and its structure.

The calls and the retries are those of the handlers that AWS has published in
`aws-cloudformation/aws-cloudformation-resource-providers-connect` (aws-connect-userhierarchygroup:
CreateHandler, UpdateHandler, DeleteHandler, ClientBuilder), whose client retries as
`RetryPolicy` and `SdkDefaultRetrySetting` in `aws/aws-sdk-java-v2` say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    ResourceFailedError,
    ResourceRequest,
    ResourceType,
)
from local_aws.in_process import InProcessAws

THROTTLED = "TooManyRequestsException"


def native_resource_types(
    aws: Callable[[], InProcessAws], draw: Callable[[], float]
) -> Mapping[str, ResourceType]:
    """The native groups of a template.

    Args:
        aws: The AWS that they are in.
        draw: A random number from 0 to 1.
    """
    client = _JavaClient(aws, draw)
    return {
        "AWS::Connect::UserHierarchyGroup": _NativeGroup(client),
        "AWS::Connect::UserHierarchyStructure": _NativeStructure(client),
    }


def error_code(error: ClientError) -> str:
    """What the service calls the error."""
    return str(error.response.get("Error", {}).get("Code"))


class _JavaClient:
    """The SDK's client in a handler, and CloudFormation, which calls the handler again."""

    _TRIES = 4
    _BASE, _LONGEST = 0.5, 20.0
    _FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0

    def __init__(self, aws: Callable[[], InProcessAws], draw: Callable[[], float]) -> None:
        self._aws = aws
        self._draw = draw

    def call(self, method: str, **parameters: Any) -> Any:
        """The answer of the call; ResourceFailedError for any error except throttling."""
        operation = getattr(self._aws().client("connect"), method)
        clock, draw = self._aws().clock, self._draw
        pause = self._FIRST_PAUSE
        while True:
            for attempt in range(self._TRIES):
                try:
                    return operation(**parameters)
                except ClientError as error:
                    if error_code(error) != THROTTLED:
                        raise ResourceFailedError(str(error)) from None
                if attempt < self._TRIES - 1:
                    half = min(self._LONGEST, self._BASE * 2.0**attempt) / 2
                    clock.sleep(half + draw() * half)
            clock.sleep(pause)
            pause = min(self._LONGEST_PAUSE, pause * 2)


class _NativeGroup:
    def __init__(self, client: _JavaClient) -> None:
        self._client = client

    def create(self, request: ResourceRequest) -> Outcome:
        parent = request.properties.get("ParentGroupArn")
        answer = self._client.call(
            "create_user_hierarchy_group",
            InstanceId=request.properties["InstanceArn"],
            Name=request.properties["Name"],
            **({} if parent is None else {"ParentGroupId": parent}),
        )
        return self._outcome(answer["HierarchyGroupArn"])

    def update(self, request: ResourceRequest) -> Outcome:
        if request.properties["Name"] != request.old_properties.get("Name"):
            self._client.call(
                "update_user_hierarchy_group_name",
                InstanceId=request.properties["InstanceArn"],
                HierarchyGroupId=request.physical_id,
                Name=request.properties["Name"],
            )
        return self._outcome(request.physical_id)

    def delete(self, request: ResourceRequest) -> None:
        self._client.call(
            "delete_user_hierarchy_group",
            InstanceId=request.physical_id.split("/agent-group/", 1)[0],
            HierarchyGroupId=request.physical_id,
        )

    def replaces(self, old: Properties, new: Properties) -> bool:
        return bool(old.get("ParentGroupArn") != new.get("ParentGroupArn"))

    @staticmethod
    def _outcome(arn: str) -> Outcome:
        return Outcome(arn, {"UserHierarchyGroupArn": arn})


class _NativeStructure:
    def __init__(self, client: _JavaClient) -> None:
        self._client = client

    def create(self, request: ResourceRequest) -> Outcome:
        return self._write(request)

    def update(self, request: ResourceRequest) -> Outcome:
        return self._write(request)

    def delete(self, request: ResourceRequest) -> None:
        self._client.call(
            "update_user_hierarchy_structure", InstanceId=request.physical_id, HierarchyStructure={}
        )

    def replaces(self, old: Properties, new: Properties) -> bool:
        return bool(old.get("InstanceArn") != new.get("InstanceArn"))

    def _write(self, request: ResourceRequest) -> Outcome:
        levels = request.properties["UserHierarchyStructure"]
        arn = request.properties["InstanceArn"]
        self._client.call(
            "update_user_hierarchy_structure",
            InstanceId=arn,
            HierarchyStructure={key: {"Name": level["Name"]} for key, level in levels.items()},
        )
        return Outcome(arn, {"UserHierarchyStructureArn": arn})
