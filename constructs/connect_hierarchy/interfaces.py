"""Interfaces of structures and groups, created here or imported, for annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, Required, TypedDict, Unpack

from aws_cdk import RemovalPolicy, Stack
from aws_cdk.interfaces.aws_connect import UserHierarchyGroupReference
from constructs import Node

from connect_hierarchy_lambda.model.properties import AgentsOnDelete

if TYPE_CHECKING:
    # it imports this module
    from connect_hierarchy.group import HierarchyGroup


class HierarchyGroupOptions(TypedDict, total=False):
    """The options of a group; all but `name` are optional."""

    name: Required[str]
    """1 to 100 characters, different from the names of its siblings."""

    key: str | None
    """What the group is known by in its stack: 1 to 512 characters, unique there. The logical id is
    made of it, so the group stays the same wherever it stands in the code: below another
    parent, it moves with its agents. By default, the logical id is made of the construct's path: of
    the key of the nearest group above that has one and the construct ids from there, or of all
    construct ids from the stack."""

    tags: Mapping[str, str] | None
    """Up to 47 tags. A key has 1 to 128 characters and begins neither with `aws:` nor with
    `connect-hierarchy:`; a value has up to 256. These tags override those of `Stack(tags=…)`, and
    `Tags.of(…)` overrides these unless its priority is below 50, as for the CDK's own
    constructs."""

    adopt_existing: bool
    """Adopt the group that exists with this name under this parent, if no stack owns it. An adopted
    group stays in Amazon Connect when it leaves the stack. False by default."""

    adopt_from_stack: str | None
    """Name of the stack that owned the group to adopt, as a native
    `AWS::Connect::UserHierarchyGroup` or by this library. Deploy that stack with a removal policy
    of RETAIN on the group first; otherwise its deletion would delete the group. By default, only
    groups that no stack created are adopted."""

    agents_on_delete: AgentsOnDelete
    """What happens to the agents in the group when it is deleted. The default FAIL does not delete
    the group while agents are in it."""

    removal_policy: RemovalPolicy
    """What happens to the group when it leaves the stack. DESTROY, the default, deletes it; RETAIN
    and RETAIN_ON_UPDATE_OR_DELETE keep it. The old group of a move is always deleted."""


class HierarchyTreeGroup(TypedDict, total=False):
    """A group of a `HierarchyTree`; all but `name` are optional."""

    name: Required[str]
    """1 to 100 characters, different from the names of its siblings."""

    key: str
    """What the group is known by, 1 to 512 characters. The default is the parent's key, a slash and
    the name. If the name changes and the key stays, the group is renamed in place."""

    tags: Mapping[str, str]
    """Tags of the group; they override those of the tree. Values can be tokens."""

    agents_on_delete: AgentsOnDelete | str
    """What happens to the agents in the group when it is removed; by default as for the tree."""

    children: Sequence[str | HierarchyTreeGroup]
    """The groups below; a text alone is a group of this name."""


class IHierarchyStructure(Protocol):
    """The levels of an instance: a `HierarchyStructure`, created in this app or imported."""

    @property
    def node(self) -> Node:
        """The construct's node."""

    @property
    def stack(self) -> Stack:
        """The stack that the structure was created or imported in."""

    @property
    def instance_arn(self) -> str:
        """ARN of the instance. A reference to it waits for the levels."""

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the levels, level one first; None where they are not known at synth."""

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        **options: Unpack[HierarchyGroupOptions],
    ) -> HierarchyGroup:
        """Create a group at level one."""


class IHierarchyGroup(Protocol):
    """A hierarchy group, created in this app or imported."""

    @property
    def node(self) -> Node:
        """The construct's node."""

    @property
    def stack(self) -> Stack:
        """The stack that the group was created or imported in."""

    @property
    def structure(self) -> IHierarchyStructure:
        """The structure that the group belongs to."""

    @property
    def parent(self) -> IHierarchyGroup | None:
        """The group above; None at level one and for an imported group."""

    @property
    def hierarchy_group_arn(self) -> str:
        """ARN of the group, as `CfnUser` takes it."""

    @property
    def hierarchy_group_id(self) -> str:
        """Id of the group, as `CfnSecurityProfile` takes it."""

    @property
    def level(self) -> int | None:
        """The level, 1 to 5; None where it is not known at synth."""

    @property
    def level_id(self) -> str:
        """The level as Amazon Connect writes it, "1" to "5"."""

    @property
    def path(self) -> str:
        """Names from level one down to this group, joined with " / "."""

    @property
    def user_hierarchy_group_ref(self) -> UserHierarchyGroupReference:
        """The reference that the CDK's own constructs take."""

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        **options: Unpack[HierarchyGroupOptions],
    ) -> HierarchyGroup:
        """Create a group below this one."""
