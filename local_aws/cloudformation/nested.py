"""`AWS::CloudFormation::Stack`: a stack as a resource of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws.cloudformation.engine import Change, Engine
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    ResourceFailedError,
    ResourceRequest,
)
from local_aws.cloudformation.stacks import Stack

Prepare = Callable[[Stack, str, dict[str, str]], Change]
"""Makes a change of a stack out of a template URL and parameters."""


class NestedStack:
    """Goes through the phases of an operation together with its parent."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        prepare: Prepare,
        new_stack: Callable[[str, Stack], Stack],
    ) -> None:
        self._engine = engine
        self._prepare = prepare
        self._new_stack = new_stack

    def create(self, request: ResourceRequest) -> Outcome:
        """Create the nested stack; one that fails is left for the parent's rollback to remove."""
        stack = self._new_stack(request.generated_name(length=100), request.stack)
        if not self._engine().forward(stack, self._change(stack, request), verb="CREATE"):
            reason = stack.status_reason
            self._engine().stack_event(stack, "CREATE_FAILED", reason)
            msg = f"Embedded stack {stack.stack_id} was not successfully created: {reason}"
            raise ResourceFailedError(msg, stack.stack_id)
        # not finished before its parent is: a rollback of the parent still removes all of it
        self._engine().stack_event(stack, "CREATE_COMPLETE")
        return self._outcome(stack)

    def update(self, request: ResourceRequest) -> Outcome:
        """Update the nested stack forward, or take its update back when the parent rolls back."""
        engine = self._engine()
        stack = engine.stacks[request.physical_id]
        if stack.parent is not None and stack.parent.rolling_back:
            if stack.stable is not None and not engine.roll_back_updates(stack):
                raise ResourceFailedError(stack.status_reason)
            return self._outcome(stack)
        if not engine.forward(stack, self._change(stack, request), verb="UPDATE"):
            msg = (
                f"Embedded stack {stack.stack_id} was not successfully updated: "
                f"{stack.status_reason}"
            )
            raise ResourceFailedError(msg)
        return self._outcome(stack)

    def delete(self, request: ResourceRequest) -> None:
        """Delete the nested stack and all in it."""
        stack = self._engine().stacks.get(request.physical_id)
        if stack is None or stack.status == "DELETE_COMPLETE":
            return
        self._engine().delete(stack)
        if stack.status != "DELETE_COMPLETE":
            msg = (
                f"Embedded stack {stack.stack_id} was not successfully deleted: "
                f"{stack.status_reason}"
            )
            raise ResourceFailedError(msg)

    def replaces(self, old: Properties, new: Properties) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def _change(self, stack: Stack, request: ResourceRequest) -> Change:
        parameters = {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in request.properties.get("Parameters", {}).items()
        }
        try:
            return self._prepare(stack, request.properties["TemplateURL"], parameters)
        except (KeyError, ValidationError) as error:
            raise ResourceFailedError(str(error)) from None

    def _outcome(self, stack: Stack) -> Outcome:
        outputs: dict[str, Any] = {key: output.value for key, output in stack.outputs.items()}
        return Outcome(stack.stack_id, {"Outputs": outputs})
