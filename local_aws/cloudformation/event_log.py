"""The history of a stack, as DescribeStackEvents shows it."""

from __future__ import annotations

import threading
import uuid

from local_aws.clock import Clock
from local_aws.cloudformation.stacks import AtRest, Event, Resource, Stack

STACK_TYPE = "AWS::CloudFormation::Stack"
_TICK = 0.001
"""The least time between two events of a stack, since the API shows milliseconds."""


class EventLog:
    """Puts stacks and resources into states, and writes events about that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()

    def stack(self, stack: Stack, status: str, reason: str = "") -> None:
        """Put a stack into a state; without a reason, it keeps the latest one."""
        if reason:
            stack.status_reason = reason
        self._append(stack, None, status, reason)

    def resource(self, stack: Stack, resource: Resource, status: str, reason: str = "") -> None:
        """Put a resource into a state."""
        resource.status, resource.status_reason = status, reason
        resource.updated_at = self._clock.now()
        if status.endswith("_COMPLETE") or status == "DELETE_FAILED":
            resource.at_rest = AtRest(resource.physical_id, status, reason, resource.updated_at)
        self._append(stack, resource, status, reason)

    def _append(self, stack: Stack, resource: Resource | None, status: str, reason: str) -> None:
        with self._lock:
            # clients sort by time, so no two events of a stack may have the same time
            last = stack.events[-1].timestamp if stack.events else 0.0
            stack.events.append(
                Event(
                    event_id=str(uuid.uuid4()),
                    timestamp=max(self._clock.now(), last + _TICK),
                    logical_id=stack.name if resource is None else resource.logical_id,
                    physical_id=stack.stack_id if resource is None else resource.physical_id,
                    type=STACK_TYPE if resource is None else resource.type,
                    status=status,
                    reason=reason,
                    properties=None if resource is None else resource.properties,
                    client_request_token=stack.client_request_token,
                )
            )
            if resource is None:
                # after its event, so that anybody who sees the state finds the event
                stack.status = status
        self._clock.changed()
