"""What every part of the work on a group needs: the request, the instance, the stack, time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from connect_hierarchy_lambda.connect.calls import STALE_SECONDS
from connect_hierarchy_lambda.connect.hierarchies import Group, GroupSummary, Hierarchy
from connect_hierarchy_lambda.connect.lanes import Lanes
from connect_hierarchy_lambda.connect.own_stack import OwnStack
from connect_hierarchy_lambda.connect.time import Schedule
from connect_hierarchy_lambda.connect.waiting import Wait
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import (
    ADOPTED_TAG,
    FORMER_TAG,
    KEY_TAG,
    RETIRED_TAG,
    TREE_TAGS,
    Owner,
    stack_name_and_uuid,
)
from connect_hierarchy_lambda.model.properties import GroupProperty, TreeProperty
from connect_hierarchy_lambda.resources.group_properties import GroupProperties
from connect_hierarchy_lambda.resources.request import Request
from connect_hierarchy_lambda.resources.run import Run
from connect_hierarchy_lambda.resources.tree_properties import declared_names

logger = logging.getLogger(__name__)

TEMPORARY_NAME = "connect-hierarchy temporary "
"""Begins the name of a group that steps aside."""


@dataclass(frozen=True)
class GroupTask:
    """One request about a group."""

    request: Request
    hierarchy_of: Callable[[str], Hierarchy]
    instance_arn: str
    own_stack: OwnStack
    schedule: Schedule
    lanes: Lanes

    @classmethod
    def of(cls, run: Run, request: Request, instance_arn: str) -> Self:
        """A request that is about groups of this instance."""
        return cls(request, run.hierarchy_of, instance_arn, run.own_stack, run.schedule, run.lanes)

    @property
    def hierarchy(self) -> Hierarchy:
        """The hierarchy that the request is about."""
        return self.hierarchy_of(self.instance_arn)

    @property
    def tree(self) -> str:
        """What messages call the tree that the request is about."""
        return f"tree {quoted(self.request.logical_id)}"

    @property
    def owner(self) -> Owner:
        """The resource that the request is about."""
        return self.request.owner

    @property
    def rolls_back(self) -> bool:
        """Whether the stack takes an operation back."""
        return self.own_stack.state().rolls_back

    @property
    def operation(self) -> str:
        """When the stack's operation began, its rollback included: what stands for it in tags."""
        return f"{self.own_stack.state().operation_began:.3f}"

    def is_of_stack(self, group: Group) -> bool:
        """Whether the group belongs to any resource of this stack."""
        stack = stack_name_and_uuid(self.request.stack_id)
        return group.owner is not None and group.owner.stack == stack

    def strangers_among(self, groups: Iterable[Group]) -> list[Group]:
        """Those that are not this stack's, each read by itself once more.

        A search may show what is gone by now, or who it belonged to before.
        """
        seen = [group for group in groups if not self.is_of_stack(group)]
        read = [self.hierarchy.group(group.id, doubt_absence=False) for group in seen]
        return [group for group in read if group is not None and not self.is_of_stack(group)]

    def is_strangers(self, group: Group) -> bool:
        """Whether the group is not this stack's, or will not be after the rollback at work.

        Such a one a resource has adopted that the stack did not have before.
        """
        if not self.is_of_stack(group) or group.owner is None:
            return True
        if not group.owner.adopted:
            return False
        state, resource = self.own_stack.state(), self.own_stack.resource(group.owner.resource)
        return (
            state.rolls_back
            and resource is not None
            and resource.status.startswith("CREATE_")
            and resource.updated_at >= state.operation_began
        )

    def own_groups(self, *wanted: GroupProperties, known: Group | None = None) -> list[Group]:
        """Every group of this resource: by its tags, and since a search lags also where wanted.

        One that is `known` is not read once more.
        """
        names = {temporary_name(self.owner), *(properties.name for properties in wanted)} - {""}
        places = {properties.parent_id for properties in wanted}
        tagged = {group.id for group in self.hierarchy.groups_of_resource(self.owner)}
        named = set(self.hierarchy.ids_named(frozenset(names), places, self.has_put_aside))
        # What a search tells may be old: what counts is what the group says itself.
        groups = [
            known
            if known is not None and known.id == group_id
            else self.hierarchy.group(group_id, doubt_absence=group_id in tagged)
            for group_id in sorted(tagged | named)
        ]
        return [group for group in groups if group and self.owner.is_same_resource(group.owner)]

    def has_put_aside(self, group: Group | GroupSummary) -> bool:
        """Whether a group has the name by which this resource puts it aside."""
        return group.name == temporary_name(self.owner, group.id)

    @property
    def given_group_id(self) -> str:
        """The group that the event is about, as its physical id says."""
        return self.request.physical_id.rsplit("/", 1)[-1]

    @property
    def given_group(self) -> Group | None:
        """That group, on whatever instance it is; None where it is gone."""
        try:
            arn = GroupArn.parse(self.request.physical_id)
        except InvalidHierarchyError:
            return None
        return self.hierarchy_of(arn.instance_arn).group(arn.group_id)

    @property
    def recorded_group_id(self) -> str:
        """The group that CloudFormation has on record for this resource now."""
        resource = self.own_stack.resource(self.request.logical_id)
        return resource.physical_id.rsplit("/", 1)[-1] if resource else ""

    def declared_name(self, group: Group) -> str:
        """What the template calls a group of another resource of this stack.

        Empty where that is not known, and for one that a resource has left behind. CloudFormation
        knows which resource has a group also where somebody took its tags away.
        """
        for logical_id in self.own_stack.resources_with(group.arn):
            if logical_id != self.request.logical_id:
                properties = self.own_stack.declared(logical_id).get("Properties", {})
                name = properties.get(GroupProperty.NAME)
                return name if isinstance(name, str) else ""
        return self._declared_name_in_tree(group)

    def is_declared_here(self, group: Group) -> bool:
        """Whether a group of another resource is to stay below the one that it is below.

        Where that can not be told: whether nobody is at work on it.
        """
        for logical_id in self.own_stack.resources_with(group.arn):
            properties = self.own_stack.declared(logical_id).get("Properties", {})
            parent = properties.get(GroupProperty.PARENT_GROUP_ARN)
            if isinstance(parent, Mapping) and "Ref" in parent:
                above = self.own_stack.resource(parent["Ref"])
                parent = above.physical_id if above is not None else parent
            if parent is None or isinstance(parent, str):
                return (parent or "").rsplit("/", 1)[-1] == (group.parent_id or "")
            return not self.own_stack.is_updating(logical_id)
        return group.owner is not None and not self.own_stack.is_updating(group.owner.resource)

    def _declared_name_in_tree(self, group: Group) -> str:
        """As `declared_name`; who has a group of a tree is known by its tags alone."""
        key, owner = group.tags.get(KEY_TAG, ""), group.owner
        if owner is None or not self.is_of_stack(group) or owner.is_same_resource(self.owner):
            return ""
        if not key or RETIRED_TAG in group.tags:
            return ""
        properties = self.own_stack.declared(owner.resource).get("Properties", {})
        return declared_names(properties.get(TreeProperty.GROUPS)).get(key, "")

    def has_name_by_hand(self, group: Group) -> bool:
        """Whether the template calls a group of this stack otherwise."""
        return self.declared_name(group) not in {"", group.name}

    def leaves_stack(self, group: Group) -> bool:
        """Whether the template has no resource, or no node, for a group of this stack any more."""
        if group.owner is None or not self.is_of_stack(group):
            return False
        declarations = self.own_stack.declarations()
        # a template that can not be read has not even this resource
        is_read = self.request.logical_id in declarations
        declared = declarations.get(group.owner.resource, {})
        if KEY_TAG in group.tags and declared:
            groups = declared.get("Properties", {}).get(TreeProperty.GROUPS)
            return group.tags[KEY_TAG] not in declared_names(groups)
        return is_read and not declared

    def put_tags(
        self,
        group: Group,
        wanted: Mapping[str, str],
        *,
        remove: AbstractSet[str] = frozenset(),
        changed: bool = False,
    ) -> None:
        """Give the group these tags, and take away those to remove that are not wanted.

        What is read may be old: where the request says that something changed, it is written
        whatever the group seems to have.
        """
        gone = remove if changed else remove & group.tags.keys()
        gone |= {ADOPTED_TAG} & group.tags.keys()
        if TREE_TAGS & group.tags.keys():
            # the tree may have given it up a moment ago
            gone |= TREE_TAGS
        self.hierarchy.untag_group(group.arn, sorted(gone - wanted.keys()))
        if changed or any(group.tags.get(key) != value for key, value in wanted.items()):
            self.hierarchy.tag_group(group.arn, wanted)

    def wait_until_shown(self, group: Group, tags: Mapping[str, str] | None = None) -> Group:
        """The group as read, once its tags show this owner, and what else was written of `tags`.

        A Delete of this owner or of the former one may come soon, and goes by what it reads.
        """
        written = {} if tags is None else tags
        doing = f"reading hierarchy group {group.id}"
        with self.wait(doing, "it does not show its tags") as wait:
            while True:
                shown = self.hierarchy.group(group.id)
                if (
                    shown is not None
                    and self.owner.is_same_resource(shown.owner)
                    and written.items() <= shown.tags.items()
                ):
                    return shown
                was_ours = self.owner.is_same_resource(group.owner)
                taken = was_ours and shown is not None and self._was_taken(shown)
                if taken or wait.seconds >= STALE_SECONDS:
                    return group
                wait.pause()

    def _was_taken(self, group: Group) -> bool:
        """Whether another resource of the stack has taken it from this one."""
        former = group.tags.get(FORMER_TAG, "").split("/")[0]
        return former == self.owner.resource and not self.owner.is_same_resource(group.owner)

    def wait(self, doing: str, why: str) -> Wait:
        """A wait for something outside, which ends with OutOfTimeError at the deadline."""
        return Wait(self.schedule, doing, why)


def temporary_name(owner: Owner, displaced_id: str = "") -> str:
    """The name of a resource's own group that steps aside, or of another that it puts aside.

    Always the same for both, so that it can be found again.
    """
    digest = sha256(f"{owner.stack}/{owner.resource}/{displaced_id}".encode()).hexdigest()
    return f"{TEMPORARY_NAME}{digest[:16]}"
