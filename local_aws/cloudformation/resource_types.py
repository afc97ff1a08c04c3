"""How the engine makes, changes and removes one kind of resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from local_aws.cloudformation.stacks import Stack, random_suffix
from local_aws.cloudformation.template import ResourceDeclaration

Properties = Mapping[str, Any]


def url_suffix(region: str) -> str:
    """What the names of services' hosts in a Region end with."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


class ResourceFailedError(Exception):
    """The resource could not be made, changed or removed; the message is the status reason."""

    def __init__(self, reason: str, physical_id: str | None = None) -> None:
        super().__init__(reason)
        self.physical_id = physical_id


class ResourceRefusedError(ResourceFailedError):
    """The change was refused before anything was tried, so there is nothing to take back."""


class ResourceCancelledError(ResourceFailedError):
    """Another resource failed meanwhile, so nobody waits for this one any more."""


@dataclass(frozen=True)
class ResourceRequest:
    """What a resource type is asked to do, and for which resource of which stack."""

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
    """One kind of resource; every method raises ResourceFailedError when it can not."""

    def create(self, request: ResourceRequest) -> Outcome:
        """Make it."""

    def update(self, request: ResourceRequest) -> Outcome:
        """Change it in place, or answer another physical id for one made anew."""

    def delete(self, request: ResourceRequest) -> None:
        """Remove it; well if it is gone already."""

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether this change can only be made by a new resource."""


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
        """Whether one of the properties that stand for its identity changed."""
        return any(old.get(name) != new.get(name) for name in self._replaced_by)
