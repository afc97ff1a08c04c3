"""What a structure and a group offer, made here or imported: for annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from aws_cdk import RemovalPolicy, Stack
from aws_cdk.interfaces.aws_connect import UserHierarchyGroupReference
from constructs import Node

from connect_hierarchy.identity import Identity, Instance
from connect_hierarchy_lambda.model.properties import AgentsOnDelete

if TYPE_CHECKING:
    # these two are made of this module's interfaces
    from connect_hierarchy.group import HierarchyGroup
    from connect_hierarchy.provider import HierarchyProvider


class IHierarchyStructure(Protocol):
    """The levels of an instance: a `HierarchyStructure`, made in this app or imported."""

    @property
    def node(self) -> Node:
        """The construct's node."""

    @property
    def stack(self) -> Stack:
        """The stack that the structure was made or imported in."""

    @property
    def instance(self) -> Instance:
        """The instance, as the app named it."""

    @property
    def instance_arn(self) -> str:
        """ARN of the instance; what refers to it waits for the structure."""

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the levels, level one first; None where they are not known at synth."""

    @property
    def provider(self) -> HierarchyProvider | None:
        """The function behind the structure; None where it was imported."""

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        name: str,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        agents_on_delete: AgentsOnDelete = AgentsOnDelete.FAIL,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
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
    def names(self) -> tuple[str, ...] | None:
        """Names from level one down to this group; None where they are not known at synth."""

    @property
    def path(self) -> str:
        """Names from level one down to this group, joined with " / "."""

    @property
    def place(self) -> Identity:
        """What groups below this one stand below, the same for two constructs that mean it."""

    @property
    def user_hierarchy_group_ref(self) -> UserHierarchyGroupReference:
        """The group as the CDK's own constructs refer to one."""

    def add_group(
        self,
        id: str,  # noqa: A002 - the CDK's name for it
        *,
        name: str,
        tags: Mapping[str, str] | None = None,
        adopt_existing: bool = False,
        agents_on_delete: AgentsOnDelete = AgentsOnDelete.FAIL,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> HierarchyGroup:
        """Make a group below this one."""
