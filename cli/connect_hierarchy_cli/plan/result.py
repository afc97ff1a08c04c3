"""A plan: the changes of a deployment, its calls, and what else has to be done."""

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
    """Under another parent, as a new group: agents and children follow, the id is new."""

    REPLACED = "replaced"
    """Removed, while a new group without a key seems to be the same.

    Its agents and its history do not follow.
    """

    REMOVED = "removed"
    ADOPTED = "adopted"
    RELEASED = "released"
    """It leaves the stack and stays in Amazon Connect."""

    LEFT = "left"
    """It should go and cannot be deleted."""

    FOUND = "found again"
    """An earlier deployment left it behind, and it is in use again."""

    PASSED = "passed on"
    """It passes to another construct of the stack, with its id."""

    TAGGED = "tagged"


@dataclass(frozen=True)
class AgentsGo:
    """Where agents of a group go."""

    number: int
    to: Path | None
    """The group that they are in afterwards, None for none."""

    stay: bool = False
    """Whether they stay where they are."""


@dataclass(frozen=True)
class GroupPlan:
    """A group of the stack: its new state, or its former state if it is removed."""

    id: str
    """The id in Amazon Connect if the group exists already; if not, any unique text."""

    path: Path
    level: int
    parent_id: str | None
    resource: str
    """Logical id of the resource that owns it, or owned it."""

    changes: tuple[Change, ...] = ()
    was: Path = ()
    """The former path of a renamed, moved or replaced group, or the path of its replacement."""

    old_id: str = ""
    """The former id of a moved group."""

    agents: int = 0
    """The agents directly in it before, if they matter."""

    agents_go: tuple[AgentsGo, ...] = ()
    tags: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Tags that change, before and after; None for no such tag."""

    note: str = ""
    """Remarks."""

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
    """An instance with its levels, the groups of the stack in it, and the groups above them."""

    arn: str
    levels_before: tuple[str, ...]
    levels: tuple[str, ...]
    groups: tuple[GroupPlan, ...]
    """Each after the one above it."""

    is_new: bool = False
    """Whether the deployment creates the instance."""

    alias: str = ""

    @property
    def changed(self) -> tuple[GroupPlan, ...]:
        """The groups that change."""
        return tuple(group for group in self.groups if group.changes)


@dataclass(frozen=True)
class CallPlan:
    """A call that changes something, or tries to do so."""

    api: str
    what: str
    """The group, agent or level, and its change."""

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
    """The kinds of references to a group."""

    ON_CONTACT = "agents on a contact now"
    SECURITY_PROFILE = "security profile"
    OTHER_STACK = "group of another stack"


@dataclass(frozen=True)
class Pointer:
    """A reference to a group whose id ends."""

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

    MADE_ANEW = "is created again"
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
    """Seconds that the calls take at the account's rate, including other waits."""

    rate: float
    """Requests a second that each API takes."""

    by_hand: tuple[ByHand, ...] = ()
    """What people changed since the last deployment; empty where the deployment will fail."""

    pointers: tuple[Pointer, ...] = ()
    not_read: tuple[str, ...] = ()
    """Possible references that could not be read."""

    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    refused_by: str = ""

    @property
    def groups(self) -> tuple[GroupPlan, ...]:
        """The groups that change."""
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
        """The number of groups with each change, in the order of `Change`."""
        found = Counter(change for group in self.groups for change in group.changes)
        return {change: found[change] for change in Change if found[change]}


def joined(path: Sequence[str]) -> str:
    """A path for people."""
    return "/".join(path)
