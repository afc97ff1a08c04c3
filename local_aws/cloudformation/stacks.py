"""The data of CloudFormation: stacks, their resources, events and outputs."""

from __future__ import annotations

import copy
import random
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.utilities.utils import get_partition

from local_aws.cloudformation.template import ResourceDeclaration, Template


@dataclass(frozen=True)
class AtRest:
    """The state of a resource at rest."""

    physical_id: str
    status: str
    reason: str
    since: float


@dataclass
class Resource:
    """One resource of a stack in its present state."""

    declaration: ResourceDeclaration
    depends_on: frozenset[str]
    physical_id: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = ""
    status_reason: str = ""
    updated_at: float = 0.0
    touched: bool = False
    """Whether the running operation has created, updated or tried to update it."""

    just_created: bool = False
    """Whether the running operation has created it."""

    taken_back: bool = False
    """Whether the running rollback has restored it."""

    made: bool = False
    """Whether its creation succeeded, in any operation."""

    at_rest: AtRest | None = None
    """Its last state at rest, None if there was none."""

    stray_ids: list[str] = field(default_factory=list)
    """Other physical ids that failed answers gave, the latest last."""

    @property
    def logical_id(self) -> str:
        """The name in the template."""
        return self.declaration.logical_id

    @property
    def type(self) -> str:
        """The resource type."""
        return self.declaration.type


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    event_id: str
    timestamp: float
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    properties: Mapping[str, Any] | None
    client_request_token: str | None


@dataclass(frozen=True)
class Output:
    """A resolved output."""

    key: str
    value: str
    description: str | None
    export_name: str | None


@dataclass(frozen=True)
class Change:
    """The wanted state of a stack in a deployment."""

    template: Template
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    submitted_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Snapshot:
    """The state that a rollback restores."""

    change: Change
    resources: dict[str, Resource]
    outputs: dict[str, Output]


@dataclass(eq=False)
class Stack:
    """A stack with everything that the API shows of it."""

    stack_id: str
    name: str
    created_at: float
    template: Template | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    submitted_parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str = "REVIEW_IN_PROGRESS"
    status_reason: str = ""
    updated_at: float | None = None
    deleted_at: float | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    imports: frozenset[str] = frozenset()
    events: list[Event] = field(default_factory=list)
    stable: Snapshot | None = None
    """Set while there is something to roll back to: from the start of an update to its end."""

    rolling_back: bool = False
    was_complete: bool = False
    """Whether it was ever in a state that a rollback could restore."""

    leftovers: list[Resource] = field(default_factory=list)
    """Physical resources that were replaced, for the clean-up."""

    cleaned_up: dict[str, Resource] = field(default_factory=dict)
    """What a clean-up is deleting, by the logical ids that now belong to other resources."""

    parent: Stack | None = None
    resources_to_skip: frozenset[str] = frozenset()
    """Resources that a continued rollback skips; `<nested stack>.<logical id>` in nested ones."""

    disable_rollback: bool = False
    retain_except_on_create: bool = False
    termination_protection: bool = False
    role_arn: str | None = None
    client_request_token: str | None = None

    @property
    def root(self) -> Stack:
        """The stack that a user deployed: itself, or the one around a nested stack."""
        return self if self.parent is None else self.parent.root

    def snapshot(self) -> Snapshot:
        """A copy of the present state."""
        assert self.template is not None  # noqa: S101 - only deployed stacks are updated
        return Snapshot(
            Change(
                self.template,
                dict(self.parameters),
                dict(self.tags),
                dict(self.submitted_parameters),
            ),
            {name: copy.copy(resource) for name, resource in self.resources.items()},
            dict(self.outputs),
        )

    def become(self, change: Change) -> None:
        """Take over the wanted state of a deployment; the resources follow one by one."""
        self.template, self.parameters, self.tags, self.submitted_parameters = (
            change.template,
            change.parameters,
            change.tags,
            change.submitted_parameters,
        )


def make_stack_id(name: str, account_id: str, region: str) -> str:
    """A stack's ARN, with a new uuid at its end."""
    partition = get_partition(region)
    return f"arn:{partition}:cloudformation:{region}:{account_id}:stack/{name}/{uuid.uuid4()}"


def random_suffix(length: int = 12) -> str:
    """The suffix of names that CloudFormation invents."""
    return "".join(random.choices(string.ascii_uppercase + string.digits, k=length))
