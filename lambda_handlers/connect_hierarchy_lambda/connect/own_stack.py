"""A look at the stack that a request came from, where the request alone is ambiguous."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connect_hierarchy_lambda.connect.calls import Caller, Refusal
from connect_hierarchy_lambda.connect.time import Clock
from connect_hierarchy_lambda.model.messages import HierarchyError, NoLongerWantedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


logger = logging.getLogger(__name__)

_ACCESS_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
_READ_INTERVAL = 10.0
_WRITE_INTERVAL = 1.0
"""Seconds that a look is good for, before calls that read and that change something."""

_CLOCK_SKEW = 2.0


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
    def takes_back(self) -> bool:
        """Whether a Delete takes back what a Create made, or began to make, in this stack.

        That is in a rollback, and where a creation failed without one, and is tried again.
        """
        return self.rolls_back or self.status in {"UPDATE_IN_PROGRESS", "UPDATE_FAILED"}

    @property
    def cleans_up(self) -> bool:
        """Whether an update is over, or taken back, and removes what is not needed any more."""
        return "CLEANUP" in self.status


@dataclass(frozen=True)
class ResourceState:
    """What is being done to a resource; `updated_at` is in seconds since 1970."""

    status: str
    physical_id: str
    updated_at: float

    def outlives(self, physical_id: str) -> bool:
        """Whether a Delete of this physical id comes late: it was made again, or is being made."""
        is_deleted = self.status.startswith("DELETE_")
        is_made_again = self.physical_id == physical_id and not is_deleted
        return is_made_again or self.status == "CREATE_IN_PROGRESS"


class OwnStack:
    """The stack with this ARN. What it raises is Refusal or HierarchyError, see `Caller`."""

    def __init__(self, client: CloudFormationClient, caller: Caller, stack_id: str) -> None:
        self._client = client
        self._caller = caller
        self._stack_id = stack_id

    def state(self) -> StackState:
        """What the stack is doing now."""
        answer = self._call("looking at the own stack", self._client.describe_stacks)
        stack = answer["Stacks"][0]
        began = stack.get("LastUpdatedTime") or stack["CreationTime"]
        return StackState(stack["StackStatus"], began.timestamp())

    def resource(self, logical_id: str) -> ResourceState | None:
        """What is being done to a resource of the stack, None where it has none of this id."""
        try:
            answer = self._caller.call(
                f"looking at {logical_id} in the own stack",
                self._client.describe_stack_resource,
                StackName=self._stack_id,
                LogicalResourceId=logical_id,
            )
        except Refusal as refusal:
            if refusal.message.startswith(f"Resource {logical_id} does not exist"):
                return None
            raise
        detail = answer["StackResourceDetail"]
        return ResourceState(
            status=detail["ResourceStatus"],
            physical_id=detail.get("PhysicalResourceId", ""),
            updated_at=detail["LastUpdatedTimestamp"].timestamp(),
        )

    def resources_with(self, physical_id: str) -> list[str]:
        """The logical ids of the stack's resources that have this physical id now.

        What CloudFormation says is never stale, unlike tags that were written a moment ago.
        """
        return self.resources_by_physical_id().get(physical_id, [])

    def resources_by_physical_id(self) -> dict[str, list[str]]:
        """The logical ids that have each physical id now, what is being deleted left out."""
        found: dict[str, list[str]] = {}
        for resource in self._resources():
            if not resource["ResourceStatus"].startswith("DELETE_"):
                physical_id = resource.get("PhysicalResourceId", "")
                found.setdefault(physical_id, []).append(resource["LogicalResourceId"])
        return found

    def declared(self, logical_id: str) -> Mapping[str, Any]:
        """What the template says of a resource; empty where it has none of this id."""
        declaration: Mapping[str, Any] = self.declarations().get(logical_id, {})
        return declaration

    def declarations(self) -> Mapping[str, Any]:
        """What the template says of each resource, by logical id.

        While the stack is updated this can be the template from before or the new one: AWS does not
        say which. A template that is not written in JSON says nothing.
        """
        body = self._call("reading the own stack's template", self._client.get_template)
        template = body["TemplateBody"]
        resources: Mapping[str, Any] = (
            template.get("Resources", {}) if isinstance(template, Mapping) else {}
        )
        return resources

    def is_updating(self, logical_id: str) -> bool:
        """Whether an Update of this resource is under way."""
        resource = self.resource(logical_id)
        return resource is not None and resource.status == "UPDATE_IN_PROGRESS"

    def seconds_since_change(self, now: float) -> float:
        """How long no resource of the stack has begun or ended anything."""
        latest: float = max(r["LastUpdatedTimestamp"].timestamp() for r in self._resources())
        return now - latest

    def _resources(self) -> Iterator[Mapping[str, Any]]:
        token: str | None = None
        while True:
            further: dict[str, Any] = {} if token is None else {"NextToken": token}
            page = self._call(
                "looking at the resources of the own stack",
                self._client.list_stack_resources,
                **further,
            )
            yield from page["StackResourceSummaries"]
            token = page.get("NextToken")
            if not token:
                return

    def _call(self, doing: str, operation: Any, **parameters: Any) -> Any:
        """The answer; HierarchyError where the stack can not be read, since a guess could harm."""
        try:
            return self._caller.call(
                doing, operation, final=_ACCESS_DENIED, StackName=self._stack_id, **parameters
            )
        except Refusal as refusal:
            raise HierarchyError(doing, str(refusal), "check the function's role") from None


class StillWanted:
    """Looks now and then whether CloudFormation still waits for an answer to a request.

    A creation or update that was cancelled, since another resource failed, goes on running when its
    Delete or its reversed Update arrives; and Lambda may deliver an event once more, much later.
    `issued_at` is when CloudFormation sent the request, in seconds since 1970.
    """

    def __init__(
        self,
        own_stack: OwnStack,
        clock: Clock,
        request_type: str,
        logical_id: str,
        *,
        issued_at: float,
    ) -> None:
        self._own_stack = own_stack
        self._clock = clock
        self._request_type = request_type
        self._logical_id = logical_id
        self._issued_at = issued_at
        self._looked_at = clock.now() - _READ_INTERVAL
        self._began_at: float | None = None
        self._given_up = False

    def look(self, *, writes: bool = False) -> None:
        """Raise NoLongerWantedError if it does not; at the first call, and then now and then.

        It is raised once: what follows undoes the work.
        """
        interval = _WRITE_INTERVAL if writes else _READ_INTERVAL
        if self._clock.now() - self._looked_at >= interval:
            self.look_once_more()

    def look_once_more(self) -> None:
        """As `look`, however short ago the last one was: for when the work is done.

        What is given up after this is cleaned up by the Delete or reversed Update that follows.
        """
        if self._given_up or self._request_type == "Delete":
            return
        self._looked_at = self._clock.now()
        try:
            resource = self._own_stack.resource(self._logical_id)
        except Refusal as refusal:
            logger.warning("can not tell whether this is still wanted", extra={"why": str(refusal)})
            return
        if not self._is_wanted(resource):
            self._given_up = True
            raise NoLongerWantedError(
                f"serving {self._request_type} of {self._logical_id}",
                "CloudFormation has given it up",
                "see the other failures of the deployment",
            )

    def _is_wanted(self, resource: ResourceState | None) -> bool:
        if resource is None or resource.status != f"{self._request_type.upper()}_IN_PROGRESS":
            return False
        # what began later is another request, such as the reversed one; when this one began is
        # known exactly from the first look on
        if self._began_at is not None:
            return resource.updated_at == self._began_at
        self._began_at = resource.updated_at
        return resource.updated_at <= self._issued_at + _CLOCK_SKEW
