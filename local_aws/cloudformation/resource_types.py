"""The interface by which the engine creates, changes and deletes one kind of resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from local_aws.cloudformation.stacks import Stack, random_suffix
from local_aws.cloudformation.template import ResourceDeclaration

Properties = Mapping[str, Any]


def url_suffix(region: str) -> str:
    """The ending of the names of services' hosts in a Region."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


class ResourceFailedError(Exception):
    """The resource could not be created, changed or deleted; the message is the status reason."""

    def __init__(self, reason: str, physical_id: str | None = None) -> None:
        super().__init__(reason)
        self.physical_id = physical_id


class ResourceRefusedError(ResourceFailedError):
    """The change was refused before any attempt, so there is nothing to undo."""


class ResourceCancelledError(ResourceFailedError):
    """Another resource failed meanwhile, so nobody waits for this one any more."""


@dataclass(frozen=True)
class ResourceRequest:
    """The request to a resource type, with the resource and its stack."""

    stack: Stack
    declaration: ResourceDeclaration
    properties: Properties
    physical_id: str = ""
    old_properties: Properties = field(default_factory=dict)
    cancelled: Callable[[], bool] = lambda: False

    def generated_name(self, *, lower: bool = False, length: int = 64) -> str:
        """A name for a resource that has none in the template."""
        suffix = random_suffix()
        logical_id = self.declaration.logical_id
        stem = f"{self.stack.name}-{logical_id}"[: length - len(suffix) - 1]
        name = f"{stem}-{suffix}"
        return name.lower() if lower else name


@dataclass(frozen=True)
class Outcome:
    """What Ref and Fn::GetAtt give from now on."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class ResourceType(Protocol):
    """One kind of resource; every method raises ResourceFailedError if it fails."""

    def create(self, request: ResourceRequest) -> Outcome:
        """Make it."""

    def update(self, request: ResourceRequest) -> Outcome:
        """Change it in place, or return the physical id of a new one."""

    def delete(self, request: ResourceRequest) -> None:
        """Delete it; no error if it is gone already."""

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether this change needs a new resource."""


class RecordedResource:
    """A resource that exists only as the stack's record of it."""

    def __init__(self, *, replaced_by: frozenset[str] = frozenset(), **attributes: str) -> None:
        self._replaced_by = replaced_by
        self._attributes = attributes

    def create(self, request: ResourceRequest) -> Outcome:
        """Give it a name."""
        name = request.generated_name()
        return Outcome(name, {key: form.format(name) for key, form in self._attributes.items()})

    def update(self, request: ResourceRequest) -> Outcome:
        """Keep its name."""
        name = request.physical_id
        return Outcome(name, {key: form.format(name) for key, form in self._attributes.items()})

    def delete(self, request: ResourceRequest) -> None:
        """Forget it."""

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether one of the properties that are its identity changed."""
        return any(old.get(name) != new.get(name) for name in self._replaced_by)
