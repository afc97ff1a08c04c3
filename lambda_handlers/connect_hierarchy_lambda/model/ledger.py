"""What the ledger of a stack holds: a record for each group, an entry for each resource.

The ledger says who owns what; Amazon Connect says what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connect_hierarchy_lambda.model.arns import GroupArn


class Phase(StrEnum):
    """What a resource does with a group."""

    LIVE = "LIVE"
    """In use: the group of a node that the resource wishes, or wished until a moment ago."""

    RETIRED = "RETIRED"
    """An update moved away from it or removed it. The clean-up deletes it; a rollback that wishes
    it again makes it LIVE."""

    LEFT = "LEFT"
    """The clean-up could not delete it, so it stays. A wish for its node finds it again."""


class Origin(StrEnum):
    """How a resource came to a group."""

    MADE = "MADE"
    """Created by this stack, or adopted and later made its own: deleted when the resource goes."""

    ADOPTED = "ADOPTED"
    """A stranger's: it is released, not deleted, when the resource goes."""


class Intention(StrEnum):
    """The call that is about to be made, or was made by a run that died before it heard an answer.

    What the call would change is uncertain until a later step has settled it. Tags are uncertain
    one by one: see `Record.open_tags`.
    """

    NONE = ""
    CREATE = "CREATE"
    """The group may or may not be there; the record has no id."""
    RENAME = "RENAME"
    """The group has its old or its new name."""
    DELETE = "DELETE"
    """The group may be gone."""


@dataclass(frozen=True)
class Image:
    """What a record was before a forward request changed its owner, its phase or its origin."""

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
    """The name that this stack gave it last; with the intention RENAME, the new one."""

    resource: str
    """Logical id of the resource that owns it."""

    key: str = ""
    """What stands for the node's key in tags; empty for the one node of a HierarchyGroup."""

    id: str = ""
    """Id of the group, empty with the intention CREATE."""

    phase: Phase = Phase.LIVE
    origin: Origin = Origin.MADE
    tags: Mapping[str, str] = field(default_factory=dict)
    """Every tag that this stack set, its own included."""

    open_tags: tuple[str, ...] = ()
    """Keys of tags that have their old or their new value: a call about them is on its way, or was
    made by a run that died before it heard an answer."""

    agents_on_delete: str = ""
    """What becomes of its agents, where the node or the request that retired it says so."""

    intention: Intention = Intention.NONE
    image: Image | None = None
    displaced: Displaced | None = None
    as_found: Mapping[str, str | None] = field(default_factory=dict)
    """Tags that adoption overwrote, with their values before; None where there was no such tag."""

    came_by: str = ""
    """Id of the request by which its resource came to it."""

    changed_by: str = ""
    """Id of the request that retired or left it."""

    left_for: str = ""
    """Physical id whose Delete left it; a further Delete of this id tries again."""

    why: str = ""
    """Why it was left."""

    made_at: float = 0.0
    """When it was created, in seconds since 1970; 0 where this is not known."""

    @property
    def slot(self) -> str:
        """What tells this record from all others of the stack."""
        if self.id:
            return self.id
        return f"new {self.resource} {self.key} {self.instance_arn} {self.parent_id or ''}"

    @property
    def arn(self) -> str:
        """The group's ARN."""
        return str(GroupArn(self.instance_arn, self.id))

    @property
    def place(self) -> tuple[str, str | None, str]:
        """Instance, parent and name: what only one group can have."""
        return self.instance_arn, self.parent_id, self.name

    def settled(self) -> Record:
        """The same without an intention."""
        return replace(self, intention=Intention.NONE)


class RequestType(StrEnum):
    """What CloudFormation asks for."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True)
class Begun:
    """A request that a run has begun."""

    id: str
    type: RequestType
    issued_at: float
    """When CloudFormation sent it, in seconds since 1970; 0 where its URL has no date."""

    direction: str = ""
    goal: str = ""
    undone: str = ""
    is_last: bool = False
    stack_goes: bool = False
    undoes: str = ""
    """Digest of the properties that it takes back, empty for a forward request."""

    answer: Mapping[str, object] | None = None
    """What was answered, None while the request runs."""


@dataclass(frozen=True)
class Forward:
    """The last forward request of a resource: what a rollback takes back."""

    id: str
    digest: str
    """Of its properties."""

    is_create: bool
    digest_before: str = ""
    """Of the properties before it."""

    physical_id_before: str = ""
    properties_before: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of a resource beside its groups."""

    resource: str
    begun: tuple[Begun, ...] = ()
    """The latest requests, the newest last."""

    physical_id: str = ""
    """What the last SUCCESS answered."""

    digest: str = ""
    """Of the properties of the last Create or Update that succeeded."""

    established: bool = False
    """Whether a Create or Update succeeded since the resource last went."""

    forward: Forward | None = None
    since: Mapping[str, float] = field(default_factory=dict)
    """Since when the running request waits for what, in seconds since 1970."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """The group of each node when a request succeeded last, by key."""

    levels: Mapping[str, object] = field(default_factory=dict)
    """Of a structure: what it may take away."""

    @property
    def current(self) -> Begun | None:
        """The request that may act."""
        return self.begun[-1] if self.begun else None


@dataclass(frozen=True)
class LastWish:
    """What a resource wished when a request of it succeeded last: what a repair brings back."""

    resource: str
    """Logical id."""

    resource_type: str
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class IdChange:
    """A node whose group has another id now, for reports that join on ids."""

    at: float
    """In seconds since 1970."""

    resource: str
    key: str
    path: str
    """Names from the top of the wish down, joined with ` / `."""

    old_id: str
    new_id: str
