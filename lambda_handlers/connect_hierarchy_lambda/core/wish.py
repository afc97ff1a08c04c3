"""The groups that an event's properties ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from connect_hierarchy_lambda.model.ownership import owner_tags
from connect_hierarchy_lambda.model.properties import AgentsOnDelete


@dataclass(frozen=True)
class WishedGroup:
    """One node of a wish."""

    name: str
    key: str = ""
    """The mark of the node's key in tags; empty for the one node of a HierarchyGroup."""

    parent: str | None = None
    """Key of the node above, None at the top of the wish."""

    path: tuple[str, ...] = ()
    """Names from the top of the wish down."""

    tags: Mapping[str, str] = field(default_factory=dict)
    agents_on_delete: AgentsOnDelete | None = None
    """None where the node leaves it to the wish."""

    written_key: str = ""
    """The key as the user wrote it, or as it follows from the names."""

    has_own_key: bool = True
    """Whether the user gave the key. If not, a node with a new name is another node."""


@dataclass(frozen=True)
class Wish:
    """What a resource wants to be there; each node stands after the one above it."""

    instance_arn: str
    parent_id: str | None = None
    nodes: tuple[WishedGroup, ...] = ()
    adopt_existing: bool = False
    adopt_from_stack: str = ""
    """Name of the stack that let the groups go which may be adopted."""

    agents_on_delete: AgentsOnDelete = AgentsOnDelete.FAIL

    @cached_property
    def by_key(self) -> Mapping[str, WishedGroup]:
        """The nodes by their keys."""
        return {node.key: node for node in self.nodes}

    @property
    def nothing(self) -> Wish:
        """The same without any groups."""
        return replace(self, nodes=())


@dataclass(frozen=True)
class Resource:
    """A custom resource of a stack."""

    stack: str
    """`<stack name>/<uuid>`."""

    logical_id: str
    is_tree: bool = False

    def tags(self, key: str) -> dict[str, str]:
        """The tags that mark a group as the one of a node of this resource."""
        return owner_tags(self.stack, self.logical_id, key)


class Direction(StrEnum):
    """The direction of a request; ARCHITECTURE.md has the table of events."""

    FORWARD = "FORWARD"
    """Make what is there as the wish says."""

    BACK = "BACK"
    """Undo a forward request: restore its images, and make the rest as the earlier wish says."""

    CLEAN_UP = "CLEAN_UP"
    """An update is over: delete what it retired."""

    GONE = "GONE"
    """The resource leaves the stack."""
