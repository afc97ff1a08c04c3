"""`AWS::CloudFormation::Stack`: a stack as a resource of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws.cloudformation.engine import Engine
from local_aws.cloudformation.exceptions import ValidationError
from local_aws.cloudformation.resource_types import (
    Outcome,
    Properties,
    ResourceCancelledError,
    ResourceFailedError,
    ResourceRequest,
)
from local_aws.cloudformation.stacks import Change, Stack
from local_aws.cloudformation.template import as_text

Prepare = Callable[[Stack, str, dict[str, str]], Change]
"""Builds a change of a stack from a template URL and parameters."""


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
        engine = self._engine()
        stack = self._new_stack(request.generated_name(length=100), request.stack)
        try:
            change = self._change(stack, request)
        except ResourceFailedError:
            del engine.stacks[stack.stack_id]
            raise
        if not engine.forward(stack, change, "CREATE", request.cancelled):
            reason = stack.status_reason
            engine.log.stack(stack, "CREATE_FAILED", reason)
            if request.cancelled():
                msg = "Resource creation cancelled"
                raise ResourceCancelledError(msg, stack.stack_id)
            msg = f"Embedded stack {stack.stack_id} was not successfully created: {reason}"
            raise ResourceFailedError(msg, stack.stack_id)
        # not finished before its root: a rollback of the root still removes all of it
        engine.log.stack(stack, "CREATE_COMPLETE")
        return self._outcome(stack)

    def update(self, request: ResourceRequest) -> Outcome:
        """Update the nested stack forward, or take its update back when the root rolls back.

        What either leaves to be deleted waits for the root.
        """
        engine = self._engine()
        stack = engine.stacks[request.physical_id]
        if stack.parent is not None and stack.parent.rolling_back:
            return self._roll_back(stack)
        change = self._change(stack, request)
        if not engine.forward(stack, change, "UPDATE", request.cancelled):
            engine.log.stack(stack, "UPDATE_FAILED", stack.status_reason)
            if request.cancelled():
                msg = "Resource update cancelled"
                raise ResourceCancelledError(msg)
            msg = (
                f"Embedded stack {stack.stack_id} was not successfully updated: "
                f"{stack.status_reason}"
            )
            raise ResourceFailedError(msg)
        if stack.stable is None:
            # created by the same operation, or by an earlier one that was not rolled back
            engine.log.stack(stack, "UPDATE_COMPLETE")
        else:
            engine.log.stack(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        return self._outcome(stack)

    def delete(self, request: ResourceRequest) -> None:
        """Delete the nested stack and everything in it."""
        engine = self._engine()
        stack = engine.stacks.get(request.physical_id)
        if stack is None or stack.status == "DELETE_COMPLETE":
            return
        engine.delete(stack)
        if stack.status != "DELETE_COMPLETE":
            msg = (
                f"Embedded stack {stack.stack_id} was not successfully deleted: "
                f"{stack.status_reason}"
            )
            raise ResourceFailedError(msg)

    def replaces(self, old: Properties, new: Properties) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def _roll_back(self, stack: Stack) -> Outcome:
        engine = self._engine()
        if stack.stable is not None:
            engine.log.stack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", stack.status_reason)
            if not engine.roll_back_updates(stack):
                engine.log.stack(stack, "UPDATE_ROLLBACK_FAILED", stack.status_reason)
                msg = (
                    f"Embedded stack {stack.stack_id} was not successfully updated: "
                    f"{stack.status_reason}"
                )
                raise ResourceFailedError(msg)
            engine.log.stack(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        return self._outcome(stack)

    def _change(self, stack: Stack, request: ResourceRequest) -> Change:
        parameters = {
            name: ",".join(as_text(item) for item in value)
            if isinstance(value, list)
            else as_text(value)
            for name, value in request.properties.get("Parameters", {}).items()
        }
        try:
            return self._prepare(stack, request.properties["TemplateURL"], parameters)
        except KeyError as error:
            msg = f"Missing required property: {error.args[0]}"
            raise ResourceFailedError(msg) from None
        except ValidationError as error:
            raise ResourceFailedError(str(error)) from None

    def _outcome(self, stack: Stack) -> Outcome:
        outputs: dict[str, Any] = {key: output.value for key, output in stack.outputs.items()}
        return Outcome(stack.stack_id, {"Outputs": outputs})
