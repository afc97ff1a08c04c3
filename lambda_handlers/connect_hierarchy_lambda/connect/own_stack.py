"""A look at the stack that a request came from, where the request alone is ambiguous."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connect_hierarchy_lambda.connect.calls import Caller, Refusal
from connect_hierarchy_lambda.model.messages import HierarchyError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class StackState:
    """What a stack is doing; `operation_began` is in seconds since 1970."""

    status: str
    operation_began: float

    @property
    def rolls_back(self) -> bool:
        """Whether the running operation takes back an earlier one."""
        return "ROLLBACK" in self.status

    @property
    def cleans_up(self) -> bool:
        """Whether an update is over, or taken back, and removes what is not needed any more."""
        return "CLEANUP" in self.status


class OwnStack:
    """The stack with this ARN."""

    def __init__(self, client: CloudFormationClient, caller: Caller, stack_id: str) -> None:
        self._client = client
        self._caller = caller
        self._stack_id = stack_id

    def state(self) -> StackState | None:
        """What the stack is doing now, None where it can not be told."""
        try:
            answer = self._caller.call(
                "looking at the own stack",
                self._client.describe_stacks,
                final=frozenset({"AccessDenied", "AccessDeniedException"}),
                StackName=self._stack_id,
            )
        except Refusal:
            return None
        stack = answer["Stacks"][0]
        began = stack.get("LastUpdatedTime") or stack["CreationTime"]
        return StackState(stack["StackStatus"], began.timestamp())

    def resources_with(self, physical_id: str) -> list[str]:
        """The logical ids of the stack's resources that have this physical id now.

        What CloudFormation says is never stale, unlike tags that were written a moment ago.
        """
        return [
            resource["LogicalResourceId"]
            for resource in self._resources()
            if resource.get("PhysicalResourceId") == physical_id
        ]

    def is_updating(self, logical_id: str) -> bool:
        """Whether an Update of this resource is under way."""
        return any(
            resource["LogicalResourceId"] == logical_id
            and resource["ResourceStatus"] == "UPDATE_IN_PROGRESS"
            for resource in self._resources()
        )

    def _resources(self) -> Iterator[Mapping[str, Any]]:
        """Every resource; HierarchyError where they can not be read, a guess could do harm."""
        doing = "looking at the resources of the own stack"
        token: str | None = None
        while True:
            further: dict[str, Any] = {} if token is None else {"NextToken": token}
            try:
                page = self._caller.call(
                    doing,
                    self._client.list_stack_resources,
                    StackName=self._stack_id,
                    **further,
                )
            except Refusal as refusal:
                raise HierarchyError(doing, str(refusal), "check the function's role") from None
            yield from page["StackResourceSummaries"]
            token = page.get("NextToken")
            if not token:
                return
