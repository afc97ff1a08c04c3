"""The stack that a request came from: what it is doing, and what its template declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.ports.calls import Refusal, call

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_UNKNOWN_STACK = "ValidationError"


class OwnStack:
    """The stack with this ARN, read only. Its methods raise Refusal or PassingError."""

    def __init__(self, client: CloudFormationClient, stack_id: str) -> None:
        self._client = client
        self._stack_id = stack_id

    def status(self) -> str | None:
        """The status of the stack, None if there is no such stack.

        Engines that deploy CDK apps without CloudFormation invent stack ids.
        """
        try:
            answer = call(self._client.describe_stacks, StackName=self._stack_id)
        except Refusal as refusal:
            if refusal.code == _UNKNOWN_STACK:
                return None
            raise
        return str(answer["Stacks"][0]["StackStatus"])

    def template(self) -> Mapping[str, Any] | None:
        """The declared resources by logical id; None if they cannot be read.

        During an update GetTemplate shows the new template, during its rollback the old one
        (aws-cdk, docs/CLOUDFORMATION.md). A template in YAML is not read.
        """
        try:
            body = call(self._client.get_template, StackName=self._stack_id)["TemplateBody"]
        except Refusal as refusal:
            if refusal.code == _UNKNOWN_STACK:
                return None
            raise
        if not isinstance(body, Mapping):
            return None
        resources: Mapping[str, Any] = body.get("Resources", {})
        return resources


def stack_error(refusal: Refusal) -> HierarchyError:
    """The error if the stack cannot be read, since a guess could do harm."""
    return HierarchyError("reading the own stack", str(refusal), "check the function's role")
