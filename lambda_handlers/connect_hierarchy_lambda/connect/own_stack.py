"""A look at the stack that a request came from, where the request alone is ambiguous."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connect_hierarchy_lambda.connect.calls import Caller, Refusal

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
        (stack,) = answer["Stacks"]
        began = stack.get("LastUpdatedTime") or stack["CreationTime"]
        return StackState(stack["StackStatus"], began.timestamp())
