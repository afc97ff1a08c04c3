"""What the ledger of a stack holds: a record for each group, an entry for each resource.

The ledger says who owns what; Amazon Connect says what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connect_hierarchy_lambda.model.arns import GroupArn


class Phase(StrEnum):
    """What a group is to its resource."""

    LIVE = "LIVE"
    """In use: the group of a node that the resource wishes, or wished until the running request."""

    RETIRED = "RETIRED"
    """An update moved its node away or removed it.

    The clean-up deletes the group; a rollback that wishes it again makes it LIVE.
    """

    LEFT = "LEFT"
    """The clean-up could not delete it, so it stays. A wish for its node finds it again."""


class Origin(StrEnum):
    """How a resource came to a group."""

    MADE = "MADE"
    """Created by this stack, or adopted and later made its own: deleted when the resource goes."""

    ADOPTED = "ADOPTED"
    """Taken over from a stranger: it is released, not deleted, when the resource goes."""


class Intention(StrEnum):
    """A call that is about to be made, or was made by a run that died before it got an answer.

    What the call would change is uncertain until a later step has settled it. Tags are uncertain
    one by one: see `Record.open_tags`.
    """

    NONE = ""
    CREATE = "CREATE"
    """The group may or may not exist; the record has no id."""
    RENAME = "RENAME"
    """The group has its old or its new name."""
    DELETE = "DELETE"
    """The group may be gone."""


@dataclass(frozen=True)
class Image:
    """A record's state before a forward request changed its owner, its phase or its origin."""

    request: str
    """Id of that request."""

    resource: str
    key: str
    name: str
    phase: Phase
    origin: Origin
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Displaced:
    """Why a group has a temporary name."""

    name: str
    """The name that it had."""

    resource: str
    """Logical id of the resource that needs this name."""


@dataclass(frozen=True)
class Record:
    """A group of this stack."""

    instance_arn: str
    parent_id: str | None
    """Id of the group above, None at level one."""

    name: str
    """The latest name that this stack gave it; with the intention RENAME, the new one."""

    resource: str
    """Logical id of the resource that owns it."""

    key: str = ""
    """The mark of the node's key in tags; empty for the one node of a HierarchyGroup."""

    id: str = ""
    """Id of the group, empty with the intention CREATE."""

    phase: Phase = Phase.LIVE
    origin: Origin = Origin.MADE
    tags: Mapping[str, str] = field(default_factory=dict)
    """Every tag that this stack set, including its owner tags."""

    open_tags: tuple[str, ...] = ()
    """Keys of tags that have either their old or their new value.

    A call about them is on its way, or was made by a run that died before it got an answer.
    """

    agents_on_delete: str = ""
    """The policy for its agents, if the node or the request that retired it has one."""

    intention: Intention = Intention.NONE
    image: Image | None = None
    displaced: Displaced | None = None
    as_found: Mapping[str, str | None] = field(default_factory=dict)
    """Tags that adoption overwrote, with their former values; None for a tag that was not there."""

    came_by: str = ""
    """Id of the request that created or adopted it."""

    changed_by: str = ""
    """Id of the request that retired or left it."""

    left_for: str = ""
    """Physical id whose Delete left it; another Delete of this id tries again."""

    why: str = ""
    """Why it was left."""

    made_at: float = 0.0
    """When it was created, in seconds since 1970; 0 if this is not known."""

    @property
    def slot(self) -> str:
        """A name of the record that no other record of the stack has."""
        if self.id:
            return self.id
        return f"new {self.resource} {self.key} {self.instance_arn} {self.parent_id or ''}"

    @property
    def arn(self) -> str:
        """The group's ARN."""
        return str(GroupArn(self.instance_arn, self.id))

    @property
    def place(self) -> tuple[str, str | None, str]:
        """Instance, parent and name: no two groups share all three."""
        return self.instance_arn, self.parent_id, self.name

    def settled(self) -> Record:
        """The same without an intention."""
        return replace(self, intention=Intention.NONE)


class RequestType(StrEnum):
    """The types of requests."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True)
class Begun:
    """A request that a run has begun."""

    id: str
    type: RequestType
    issued_at: float
    """When CloudFormation sent it, in seconds since 1970; 0 if its URL has no date."""

    direction: str = ""
    goal: str = ""
    undone: str = ""
    is_last: bool = False
    stack_goes: bool = False
    undoes: str = ""
    """Digest of the properties that it takes back, empty for a forward request."""

    answer: Mapping[str, object] | None = None
    """The answer, None while the request runs."""


@dataclass(frozen=True)
class Forward:
    """The last forward request of a resource, which a rollback takes back."""

    id: str
    digest: str
    """The digests of its properties."""

    is_create: bool
    digest_before: str = ""
    """The digests of the properties before it."""

    physical_id_before: str = ""
    properties_before: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of a resource besides its groups."""

    resource: str
    begun: tuple[Begun, ...] = ()
    """The latest requests, the newest last."""

    physical_id: str = ""
    """The physical id in the last SUCCESS."""

    digest: str = ""
    """The digests of the properties of the last Create or Update that succeeded."""

    established: bool = False
    """Whether a Create or Update succeeded since the resource last went."""

    forward: Forward | None = None
    since: Mapping[str, float] = field(default_factory=dict)
    """The start of each wait of the request, in seconds since 1970, by what it waits for."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """The group of each node when a request succeeded last, by key."""

    levels: Mapping[str, object] = field(default_factory=dict)
    """For a structure, the levels that it may remove."""

    @property
    def current(self) -> Begun | None:
        """The request that may act."""
        return self.begun[-1] if self.begun else None


@dataclass(frozen=True)
class LastWish:
    """The wish of a resource's last successful request, which a repair restores."""

    resource: str
    """Logical id."""

    resource_type: str
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class IdChange:
    """A change of the id of a node's group, for reports that join on ids."""

    at: float
    """In seconds since 1970."""

    resource: str
    key: str
    path: str
    """Names from the top of the wish down, joined with ` / `."""

    old_id: str
    new_id: str
