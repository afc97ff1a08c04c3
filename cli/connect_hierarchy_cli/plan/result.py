"""A plan: what a deployment changes, which calls it makes, and what else has to follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connect_hierarchy_lambda.core.drift import REPAIRED, Difference

Path = tuple[str, ...]
"""Names from level one down."""


class Change(StrEnum):
    """What a deployment does to a group."""

    ADDED = "added"
    RENAMED = "renamed"
    MOVED = "moved"
    """Under another parent, as a new group: agents and children come along, the id is new."""

    REPLACED = "replaced"
    """Removed, while a group that seems to be the same is made anew: it has no key, so its agents
    and its history do not come along."""

    REMOVED = "removed"
    ADOPTED = "adopted"
    RELEASED = "released"
    """It leaves the stack and stays in Amazon Connect."""

    LEFT = "left"
    """It should go and cannot be deleted."""

    FOUND = "found again"
    """An earlier deployment left it, and it is in use again."""

    PASSED = "passed on"
    """It goes to another construct of the stack, with its id."""

    TAGGED = "tagged"


@dataclass(frozen=True)
class AgentsGo:
    """What becomes of agents of a group."""

    number: int
    to: Path | None
    """The group that they are in afterwards, None for none."""

    stay: bool = False
    """Whether they stay where they are."""


@dataclass(frozen=True)
class GroupPlan:
    """A group of the stack: as it will be, or as it was if it goes."""

    id: str
    """In Amazon Connect, where it is there already; else any text that no other group has."""

    path: Path
    level: int
    parent_id: str | None
    resource: str
    """Logical id of the resource that has it, or had it."""

    changes: tuple[Change, ...] = ()
    was: Path = ()
    """Where a renamed, moved or replaced group was, or is made anew."""

    old_id: str = ""
    """The id of a moved group before."""

    agents: int = 0
    """The agents directly in it before, where somebody has to know."""

    agents_go: tuple[AgentsGo, ...] = ()
    tags: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Tags that change, before and after; None for no such tag."""

    note: str = ""
    """What else to know."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.path[-1]

    @property
    def is_new(self) -> bool:
        """Whether a group is created for it."""
        return bool({Change.ADDED, Change.MOVED} & {*self.changes})

    @property
    def goes(self) -> bool:
        """Whether the group is deleted."""
        return bool({Change.REMOVED, Change.REPLACED} & {*self.changes})


@dataclass(frozen=True)
class InstancePlan:
    """An instance with its levels, and the groups of the stack in it with those above them."""

    arn: str
    levels_before: tuple[str, ...]
    levels: tuple[str, ...]
    groups: tuple[GroupPlan, ...]
    """Each after the one above it."""

    is_new: bool = False
    """Whether the deployment makes the instance."""

    alias: str = ""

    @property
    def changed(self) -> tuple[GroupPlan, ...]:
        """The groups that something happens to."""
        return tuple(group for group in self.groups if group.changes)


@dataclass(frozen=True)
class CallPlan:
    """A call that changes something, or tries to."""

    api: str
    what: str
    """The group, agent or level that it is about, and what becomes of it."""

    resource: str
    is_clean_up: bool
    error: str = ""
    """The code of the service's refusal, after which the deployment finds another way."""


@dataclass(frozen=True)
class ResourcePlan:
    """A custom resource of the stack that CloudFormation sends a request for."""

    logical_id: str
    type: str
    action: str
    """`Create`, `Update`, `Delete`."""

    is_clean_up: bool
    why_failed: str = ""


class Kind(StrEnum):
    """What can point at a group."""

    ON_CONTACT = "agents on a contact now"
    SECURITY_PROFILE = "security profile"
    OTHER_STACK = "group of another stack"


@dataclass(frozen=True)
class Pointer:
    """Something that points at a group whose id will change, or that will be gone."""

    kind: Kind
    name: str
    group: Path
    group_id: str


class Fate(StrEnum):
    """What becomes of a change by hand in a deployment."""

    STAYS = "stays"
    """Nothing that the deployment does is about it."""

    UNDONE = "is undone"
    """The name, tags or level are again what the app says."""

    MADE_ANEW = "is made anew"
    """Another group stands for the one that is gone."""

    ACCEPTED = "is what the app says"
    OWNED = "is the stack's again"
    GOES = "goes"
    """The group is deleted."""


@dataclass(frozen=True)
class ByHand:
    """A change that somebody made by hand, and what becomes of it."""

    difference: Difference
    fate: Fate
    left_at: Path = ()
    """Where the group stays that somebody moved, if the deployment makes another one for it."""

    agents_left: int = 0
    """The agents that stay in that group."""

    @property
    def is_for_a_repair(self) -> bool:
        """Whether a repair would bring back more than the deployment does."""
        return bool(self.left_at) or (self.fate is Fate.STAYS and self.difference.kind in REPAIRED)


@dataclass(frozen=True)
class Plan:
    """What a deployment will do."""

    stack: str
    """The name of the stack."""

    is_first: bool
    instances: tuple[InstancePlan, ...]
    resources: tuple[ResourcePlan, ...]
    calls: tuple[CallPlan, ...]
    calls_by_api: Mapping[str, int]
    """Reads included."""

    seconds: float
    """What the calls take at the account's rate, with what requests wait for."""

    rate: float
    """Requests a second that each API takes."""

    by_hand: tuple[ByHand, ...] = ()
    """What people changed since the last deployment; empty where the deployment will fail."""

    pointers: tuple[Pointer, ...] = ()
    not_read: tuple[str, ...] = ()
    """What might point at a group and could not be read."""

    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    refused_by: str = ""

    @property
    def groups(self) -> tuple[GroupPlan, ...]:
        """The groups that something happens to."""
        return tuple(group for instance in self.instances for group in instance.changed)

    @property
    def changes_levels(self) -> bool:
        """Whether levels are written."""
        return any(one.levels != one.levels_before for one in self.instances)

    @property
    def changes_anything(self) -> bool:
        """Whether a deployment changes something in Amazon Connect or in the ledger."""
        return bool(self.resources or self.calls)

    @property
    def exit_code(self) -> int:
        """0 for no change, 2 for changes, 1 for a deployment that will fail."""
        if self.refusal:
            return 1
        return 2 if self.changes_anything else 0

    def count(self) -> Mapping[Change, int]:
        """How many groups each change happens to, in the order of `Change`."""
        found = Counter(change for group in self.groups for change in group.changes)
        return {change: found[change] for change in Change if found[change]}


def joined(path: Sequence[str]) -> str:
    """A path for people."""
    return "/".join(path)
