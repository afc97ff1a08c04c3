"""What a structure and a group offer, made here or imported: for annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, Required, TypedDict, Unpack

from aws_cdk import RemovalPolicy, Stack
from aws_cdk.interfaces.aws_connect import UserHierarchyGroupReference
from constructs import Node

from connect_hierarchy_lambda.model.properties import AgentsOnDelete

if TYPE_CHECKING:
    # it is made of this module's interfaces
    from connect_hierarchy.group import HierarchyGroup


class HierarchyGroupOptions(TypedDict, total=False):
    """What a group can be given besides its place; all but `name` can be left out."""

    name: Required[str]
    """1 to 100 characters, no two groups with the same parent alike."""

    key: str | None
    """What the group is known by in its stack, 1 to 512 characters, each key once: CloudFormation's
    logical id is made of it. So the group stays the same, and moves with its agents, wherever it
    stands in the code. Without one, the logical id is made of the construct's path: below a group
    that has a key, of that key and of the ids from there on; otherwise of all ids from the stack
    on."""

    tags: Mapping[str, str] | None
    """Up to 47 tags, keys of 1 to 128 characters that begin neither with `aws:` nor with
    `connect-hierarchy:`, values of up to 256. They win over `Stack(tags=…)`; a tag of `Tags.of(…)`
    wins over them unless its priority is below 50, as for the CDK's own constructs."""

    adopt_existing: bool
    """Take the group of this name under this parent, if there is one that no stack made. It stays
    when it leaves the stack. False if not given."""

    adopt_from_stack: str | None
    """Name of the stack that had the group to adopt, by a native
    `AWS::Connect::UserHierarchyGroup` or by this library. Deploy that stack with a removal policy
    of RETAIN on the group first; otherwise its own deletion takes the group along. Not given, only
    groups that no stack made are adopted."""

    agents_on_delete: AgentsOnDelete
    """What becomes of the agents in the group when it is deleted. FAIL if not given: the group is
    not deleted while there are any."""

    removal_policy: RemovalPolicy
    """What becomes of the group when it leaves the stack. DESTROY, which is the default, deletes
    it; RETAIN and RETAIN_ON_UPDATE_OR_DELETE keep it. A group that was moved does not stay at its
    old place, whatever the policy."""


class HierarchyTreeGroup(TypedDict, total=False):
    """A group of a `HierarchyTree`; all but `name` can be left out."""

    name: Required[str]
    """1 to 100 characters, no two groups with the same parent alike."""

    key: str
    """What the group is known by, 1 to 512 characters; the parent's key, a slash and the name if
    not given. A group whose name changes and whose key stays is renamed in place."""

    tags: Mapping[str, str]
    """Tags of the group beside those of the tree, winning over them. Values can be tokens."""

    agents_on_delete: AgentsOnDelete | str
    """What becomes of the agents in the group when it is removed; the tree's if not given."""

    children: Sequence[str | HierarchyTreeGroup]
    """The groups below it; a text alone is a group of this name."""


class IHierarchyStructure(Protocol):
    """The levels of an instance: a `HierarchyStructure`, made in this app or imported."""

    @property
    def node(self) -> Node:
        """The construct's node."""

    @property
    def stack(self) -> Stack:
        """The stack that the structure was made or imported in."""

    @property
    def instance_arn(self) -> str:
        """ARN of the instance; what refers to it waits for the structure."""

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the levels, level one first; None where they are not known at synth."""

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        **options: Unpack[HierarchyGroupOptions],
    ) -> HierarchyGroup:
        """Make a group at level one."""


class IHierarchyGroup(Protocol):
    """A hierarchy group, made in this app or imported."""

    @property
    def node(self) -> Node:
        """The construct's node."""

    @property
    def stack(self) -> Stack:
        """The stack that the group was made or imported in."""

    @property
    def structure(self) -> IHierarchyStructure:
        """The structure that the group belongs to."""

    @property
    def parent(self) -> IHierarchyGroup | None:
        """The group above; None at level one, and where the group was imported."""

    @property
    def hierarchy_group_arn(self) -> str:
        """ARN of the group: what a user takes."""

    @property
    def hierarchy_group_id(self) -> str:
        """Id of the group: what a security profile takes."""

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
        """The group as the CDK's own constructs refer to one."""

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        **options: Unpack[HierarchyGroupOptions],
    ) -> HierarchyGroup:
        """Make a group below this one."""
