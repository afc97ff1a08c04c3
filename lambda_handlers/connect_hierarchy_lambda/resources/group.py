"""`Custom::ConnectHierarchyGroup`: one group of an instance's hierarchy.

A rename keeps the group. There is no call that moves one, so a move makes a second group and
answers its ARN: CloudFormation deletes the first in its clean-up, or takes the move back. Both are
told apart from strangers by the tags of `model.ownership`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from connect_hierarchy_lambda.connect.calls import STALE_SECONDS, Refusal
from connect_hierarchy_lambda.connect.hierarchies import Agent, Group, Hierarchy
from connect_hierarchy_lambda.connect.own_stack import OwnStack
from connect_hierarchy_lambda.connect.time import Schedule
from connect_hierarchy_lambda.model.arns import GroupArn, check_instance_arn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError, listed
from connect_hierarchy_lambda.model.names import check_group_name, quoted
from connect_hierarchy_lambda.model.ownership import (
    ADOPTED_TAG,
    DISPLACED_BY_TAG,
    FORMER_RESOURCE_TAG,
    NATIVE_STACK_TAG,
    OWN_TAGS,
    Owner,
)
from connect_hierarchy_lambda.model.properties import (
    AgentsOnDelete,
    GroupAttribute,
    GroupProperty,
)
from connect_hierarchy_lambda.model.tags import check_user_tags
from connect_hierarchy_lambda.resources.request import Answer, Properties, Request

logger = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds for another resource of the stack to free a name by its own update, before the name is
taken from it."""

MADE_UP_ID_PATIENCE = 30.0
"""Seconds to look for the group of a Create that CloudFormation gave up and that may still run."""

PAUSE = 2.0


@dataclass(frozen=True)
class GroupProperties:
    """The properties of a group, checked."""

    instance_arn: str
    name: str
    parent_id: str | None
    tags: Mapping[str, str]
    adopt_existing: bool
    agents_on_delete: AgentsOnDelete

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> GroupProperties:
        """Check them; HierarchyError for what can not be."""
        properties = Properties(values)
        instance_arn = properties.text(GroupProperty.INSTANCE_ARN)
        name = properties.text(GroupProperty.NAME)
        parent_arn = properties.optional_text(GroupProperty.PARENT_GROUP_ARN)
        tags = properties.text_map(GroupProperty.TAGS)
        policy = properties.optional_text(GroupProperty.AGENTS_ON_DELETE) or AgentsOnDelete.FAIL
        doing = f"reading the properties of hierarchy group {quoted(name)}"
        parent = None
        try:
            check_instance_arn(instance_arn)
            check_group_name(name)
            check_user_tags(tags)
            if parent_arn is not None:
                parent = GroupArn.parse(parent_arn)
        except InvalidHierarchyError as error:
            raise HierarchyError(doing, str(error)) from None
        if policy not in set(AgentsOnDelete):
            wanted = f"one of {', '.join(AgentsOnDelete)} is needed"
            raise HierarchyError(doing, f"AgentsOnDelete is {quoted(policy)}", wanted)
        if parent is not None and parent.instance_arn != instance_arn:
            raise HierarchyError(
                doing,
                f"the parent group is of another instance, {parent.instance_arn}",
                "parent and child need one instance",
            )
        return cls(
            instance_arn=instance_arn,
            name=name,
            parent_id=parent.group_id if parent else None,
            tags=tags,
            adopt_existing=properties.flag(GroupProperty.ADOPT_EXISTING),
            agents_on_delete=AgentsOnDelete(policy),
        )


class Groups:
    """Create, update and delete of groups."""

    def __init__(
        self,
        hierarchy: Callable[[str], Hierarchy],
        own_stack: OwnStack,
        schedule: Schedule,
    ) -> None:
        self._hierarchy = hierarchy
        self._own_stack = own_stack
        self._schedule = schedule

    def create(self, request: Request) -> Answer:
        """Make the group, or find the one that an earlier run made, or adopt."""
        wanted = GroupProperties.read(request.properties)
        hierarchy = self._hierarchy(wanted.instance_arn)
        return _answer(self._make(request, hierarchy, wanted))

    def update(self, request: Request) -> Answer:
        """Rename, tag or move; what was deleted behind our back is made anew."""
        wanted = GroupProperties.read(request.properties)
        old = GroupProperties.read(request.old_properties)
        hierarchy = self._hierarchy(wanted.instance_arn)
        given = GroupArn.parse(request.physical_id)
        elsewhere = given.instance_arn != wanted.instance_arn
        moves = elsewhere or (wanted.parent_id, wanted.instance_arn) != (
            old.parent_id,
            old.instance_arn,
        )
        if moves:
            return _answer(self._move(request, hierarchy, old, wanted))
        group = hierarchy.group(given.group_id)
        if group is None:
            logger.warning("the group was deleted outside of this stack, it is made anew")
            return _answer(self._make(request, hierarchy, wanted))
        self._check_owner(group, request.owner, "updating")
        return _answer(self._bring_up_to_date(request, hierarchy, group, old, wanted))

    def delete(self, request: Request) -> Answer:
        """Delete the group if it is ours, release it if it was adopted."""
        answer = Answer(request.physical_id)
        try:
            arn = GroupArn.parse(request.physical_id)
        except InvalidHierarchyError:
            self._delete_unanswered(request)
            return answer
        hierarchy = self._hierarchy(arn.instance_arn)
        group = hierarchy.group(arn.group_id)
        if group is None:
            logger.info("the group is gone already")
        else:
            self._delete(request, hierarchy, group)
        return answer

    # making -------------------------------------------------------------------------------------

    def _make(self, request: Request, hierarchy: Hierarchy, wanted: GroupProperties) -> Group:
        """A group as wanted that belongs to this resource, whatever it takes to have one."""
        owner = request.owner
        tags = {**wanted.tags, **owner.tags()}
        began = self._schedule.clock.now()
        while True:
            made = hierarchy.create_group(wanted.name, wanted.parent_id, tags)
            if isinstance(made, str):
                return self._made(request, hierarchy, made)
            holder = self._holder(hierarchy, wanted.name, wanted.parent_id)
            doing = f"creating hierarchy group {quoted(wanted.name)}"
            if holder is not None and not self._may_become_free(holder, owner, began):
                return self._take_over(request, hierarchy, holder, wanted, doing)
            if holder is None:
                self._free_name_elsewhere(request, hierarchy, wanted, made, doing, began)
            self._pause(doing, f"the name is taken ({made})")

    def _made(self, request: Request, hierarchy: Hierarchy, arn: str) -> Group:
        """Read back what was created; remove it again where that fails."""
        given_id = request.failed_id
        if request.type == "Create":
            request.failed_id = arn
        group_id = GroupArn.parse(arn).group_id
        logger.info("created hierarchy group", extra={"group": arn})
        try:
            group = self._read_back(hierarchy, group_id)
        except HierarchyError:
            half_made = Group(arn, group_id, group_id, "", ())
            if hierarchy.delete_group(half_made) is None:
                request.failed_id = given_id
            raise
        return group

    def _read_back(self, hierarchy: Hierarchy, group_id: str) -> Group:
        group = hierarchy.group(group_id)
        if group is None:
            doing = f"creating hierarchy group {group_id}"
            raise HierarchyError(doing, "it was gone right after", "see who deletes groups")
        return group

    def _holder(self, hierarchy: Hierarchy, name: str, parent_id: str | None) -> Group | None:
        """The group of this name right below this parent."""
        for group in hierarchy.groups_named(frozenset({name})):
            if group.parent_id == parent_id:
                return group
        return None

    def _may_become_free(self, holder: Group, owner: Owner, began: float) -> bool:
        """Whether a sibling of this stack holds the name that may be about to be renamed.

        Its construct may be renamed or moved in the same deployment, or be on its way out. In the
        last case the group passes to this resource, so that renaming a construct in the code keeps
        the group and its id.
        """
        held_by = holder.owner
        if held_by is None or held_by.stack != owner.stack or held_by.is_same_resource(owner):
            return False
        return self._schedule.clock.now() - began < PATIENCE

    def _free_name_elsewhere(
        self,
        request: Request,
        hierarchy: Hierarchy,
        wanted: GroupProperties,
        refusal: Refusal,
        doing: str,
        began: float,
    ) -> None:
        """Where a name is taken in the whole instance: our own original steps aside."""
        for other in hierarchy.groups_named(frozenset({wanted.name})):
            if request.owner.is_same_resource(other.owner):
                logger.info("the original steps aside", extra={"group": other.arn})
                hierarchy.rename_group(other.id, temporary_name(request.owner))
                return
            raise HierarchyError(
                doing,
                f"the name is taken in the instance by group {other.id} ({other.path_of_names})",
                "choose another name, or rename that group",
            )
        if self._schedule.clock.now() - began > STALE_SECONDS:
            raise HierarchyError(
                doing, f"{refusal}, but no group of that name was found", "deploy again"
            )

    def _take_over(
        self,
        request: Request,
        hierarchy: Hierarchy,
        group: Group,
        wanted: GroupProperties,
        doing: str,
    ) -> Group:
        """Make a group that exists ours, where that is allowed."""
        owner, held_by = request.owner, group.owner
        if held_by is None:
            self._check_adoptable(group, wanted, doing)
            owner = replace(owner, adopted=True)
        elif held_by.is_same_resource(owner):
            owner = replace(held_by, request=owner.request)
        elif held_by.stack == owner.stack:
            owner = replace(owner, adopted=held_by.adopted, former_resource=held_by.resource)
        else:
            raise HierarchyError(
                doing,
                f"it exists already, {group.id}, and belongs to {held_by.resource} of stack "
                f"{held_by.stack_name}",
                "delete it there; if that stack is gone, untag it: see README",
            )
        logger.info("taking over", extra={"group": group.arn, "from": str(held_by)})
        self._put_tags(hierarchy, group, {**wanted.tags, **owner.tags()})
        if request.type == "Create":
            request.failed_id = group.arn
        return group

    def _check_adoptable(self, group: Group, wanted: GroupProperties, doing: str) -> None:
        native_stack = group.tags.get(NATIVE_STACK_TAG)
        if native_stack is not None:
            raise HierarchyError(
                doing,
                f"it exists already, {group.id}, made by CloudFormation stack {native_stack}",
                "there: DeletionPolicy Retain, deploy, remove it, deploy; then adopt_existing=True",
            )
        if not wanted.adopt_existing:
            raise HierarchyError(
                doing,
                f"it exists already, {group.id}, and belongs to no stack",
                "adopt_existing=True takes it over, or choose another name",
            )

    # changing -----------------------------------------------------------------------------------

    def _bring_up_to_date(
        self,
        request: Request,
        hierarchy: Hierarchy,
        group: Group,
        old: GroupProperties,
        wanted: GroupProperties,
    ) -> Group:
        owner = group.owner or request.owner
        if owner.adopted and old.adopt_existing and not wanted.adopt_existing:
            owner = replace(owner, adopted=False)
        if (
            not owner.adopted
            and not old.adopt_existing
            and wanted.adopt_existing
            and self._rolls_back()
        ):
            owner = replace(owner, adopted=True)
        self._put_tags(hierarchy, group, {**wanted.tags, **owner.tags()}, remove=old.tags)
        if group.name != wanted.name:
            self._rename(request, hierarchy, group, wanted)
        if old.name != wanted.name:
            self._give_name_back(request, hierarchy, group, old.name)
        return replace(group, name=wanted.name, path=(*group.path[:-1], (group.id, wanted.name)))

    def _put_tags(
        self,
        hierarchy: Hierarchy,
        group: Group,
        wanted: Mapping[str, str],
        remove: Mapping[str, str] | None = None,
    ) -> None:
        """Set what differs, and remove what was ours and is not wanted any more."""
        ours = {*(remove or {}), ADOPTED_TAG, FORMER_RESOURCE_TAG}
        gone = [key for key in group.tags if key in ours and key not in wanted]
        hierarchy.untag_group(group.arn, gone)
        changed = {key: value for key, value in wanted.items() if group.tags.get(key) != value}
        hierarchy.tag_group(group.arn, changed)

    def _rename(
        self, request: Request, hierarchy: Hierarchy, group: Group, wanted: GroupProperties
    ) -> None:
        """Rename, also where a sibling of the stack still holds the name.

        Two that swap their names would wait for each other, so each steps aside with its own group.
        A sibling that holds on, since no update of it is under way, is put aside in its turn: its
        Delete is to come, or this is a rollback and its own update gives it its name back.
        """
        doing = f"renaming hierarchy group {quoted(group.name)} to {quoted(wanted.name)}"
        began = self._schedule.clock.now()
        aside = False
        while True:
            refusal = hierarchy.rename_group(group.id, wanted.name)
            if refusal is None:
                logger.info("renamed", extra={"group": group.arn, "to": wanted.name})
                return
            holders = [
                other
                for other in hierarchy.groups_named(frozenset({wanted.name}))
                if other.id != group.id
            ]
            siblings = [other for other in holders if other.parent_id == group.parent_id]
            for other in siblings or holders:
                if other.owner is None or other.owner.stack != request.owner.stack:
                    raise HierarchyError(
                        doing,
                        f"the name is taken by group {other.id} ({other.path_of_names})",
                        "choose another name, or rename that group",
                    )
            if not aside:
                hierarchy.rename_group(group.id, temporary_name(request.owner))
                aside = True
            elif siblings and self._schedule.clock.now() - began >= PATIENCE:
                self._put_aside(request, hierarchy, siblings[0])
            self._pause(doing, f"the name is taken ({refusal})")

    def _put_aside(self, request: Request, hierarchy: Hierarchy, other: Group) -> None:
        logger.info("putting a sibling aside", extra={"group": other.arn, "held": other.name})
        hierarchy.tag_group(other.arn, {DISPLACED_BY_TAG: request.logical_id})
        hierarchy.rename_group(other.id, temporary_name(request.owner, displaced=True))

    def _give_name_back(
        self, request: Request, hierarchy: Hierarchy, group: Group, name: str
    ) -> None:
        """Where this takes a rename back: the sibling that was put aside for it gets its name."""
        displaced = temporary_name(request.owner, displaced=True)
        if not self._rolls_back():
            return
        for other in hierarchy.groups_named(frozenset({displaced})):
            if other.parent_id == group.parent_id:
                hierarchy.rename_group(other.id, name)
                hierarchy.untag_group(other.arn, [DISPLACED_BY_TAG])

    # moving -------------------------------------------------------------------------------------

    def _move(
        self,
        request: Request,
        hierarchy: Hierarchy,
        old: GroupProperties,
        wanted: GroupProperties,
    ) -> Group:
        """The group of this resource under the wanted parent, with all its agents in it."""
        own = self._own_groups(request, hierarchy, frozenset({old.name, wanted.name}))
        homes = [group for group in own if group.parent_id == wanted.parent_id]
        sources = [group for group in own if group.parent_id != wanted.parent_id]
        if homes:
            # a run that was here before, or a rollback: this is the original
            logger.info("found the group at its place", extra={"group": homes[0].arn})
            target = self._bring_up_to_date(request, hierarchy, homes[0], old, wanted)
        else:
            for source in sources:
                self._check_children(request, hierarchy, source)
            target = self._make(request, hierarchy, wanted)
        for source in sources:
            self._carry_agents(hierarchy, source, target.id)
        return target

    def _own_groups(
        self, request: Request, hierarchy: Hierarchy, names: frozenset[str]
    ) -> list[Group]:
        """Every group of this resource: by its tags, and since a search lags also by its names."""
        names |= {temporary_name(request.owner)}
        found = {
            group.id: group
            for group in (
                *hierarchy.groups_of_stack(request.owner.stack),
                *hierarchy.groups_named(names),
            )
            if request.owner.is_same_resource(group.owner)
        }
        # what a search tells may be old: what counts is what the group says itself
        groups = [hierarchy.group(group_id, doubt_absence=False) for group_id in sorted(found)]
        return [
            group
            for group in groups
            if group is not None and request.owner.is_same_resource(group.owner)
        ]

    def _check_children(self, request: Request, hierarchy: Hierarchy, group: Group) -> None:
        strangers = [
            quoted(child.name)
            for child in hierarchy.children(group.id)
            if child.owner is None or child.owner.stack != request.owner.stack
        ]
        if strangers:
            raise HierarchyError(
                f"moving hierarchy group {quoted(group.name)}",
                f"it has child groups that are not of this stack: {listed(strangers)}",
                "adopt them in this stack, or move them away first",
            )

    def _carry_agents(self, hierarchy: Hierarchy, source: Group, target_id: str | None) -> int:
        """Move every agent over; the search may still show those who have left already."""
        moved: set[str] = set()
        while True:
            agents = [agent for agent in hierarchy.agents(source.id) if agent.id not in moved]
            if not agents:
                if moved:
                    logger.info(
                        "moved agents",
                        extra={"count": len(moved), "from": source.arn, "to": target_id},
                    )
                return len(moved)
            for agent in agents:
                hierarchy.move_agent(agent, target_id)
                moved.add(agent.id)

    # removing -----------------------------------------------------------------------------------

    def _delete(self, request: Request, hierarchy: Hierarchy, group: Group) -> None:
        owner = group.owner
        if owner is None:
            logger.warning("the group has no owner any more, it stays", extra={"group": group.arn})
            return
        if not owner.is_same_resource(request.owner):
            logger.info("the group has another owner, it stays", extra={"group": group.arn})
            if owner.stack == request.owner.stack and owner.former_resource == request.logical_id:
                hierarchy.untag_group(group.arn, [FORMER_RESOURCE_TAG])
            return
        if owner.former_resource is not None:
            logger.info("handing the group back", extra={"to": owner.former_resource})
            handed_back = replace(owner, resource=owner.former_resource, former_resource=None)
            hierarchy.tag_group(group.arn, handed_back.tags())
            hierarchy.untag_group(group.arn, [FORMER_RESOURCE_TAG])
            return
        if owner.adopted and self._successor(request, hierarchy, group) is None:
            logger.info("releasing the adopted group", extra={"group": group.arn})
            hierarchy.untag_group(group.arn, [key for key in OWN_TAGS if key in group.tags])
            return
        self._delete_with_agents(request, hierarchy, group)

    def _successor(self, request: Request, hierarchy: Hierarchy, group: Group) -> Group | None:
        """Where this Delete ends a move, or takes one back: the group that stays."""
        try:
            name = GroupProperties.read(request.properties).name
        except HierarchyError:
            name = group.name
        others = self._own_groups(request, hierarchy, frozenset({name, group.name}))
        for other in others:
            if other.id != group.id:
                return other
        return None

    def _delete_with_agents(self, request: Request, hierarchy: Hierarchy, group: Group) -> None:
        doing = f"deleting hierarchy group {quoted(group.name)}"
        policy = request.properties.get(GroupProperty.AGENTS_ON_DELETE, AgentsOnDelete.FAIL)
        refused_since: float | None = None
        while True:
            refusal = hierarchy.delete_group(group)
            if refusal is None:
                logger.info("deleted", extra={"group": group.arn})
                return
            now = self._schedule.clock.now()
            refused_since = refused_since or now
            agents = hierarchy.agents(group.id)
            successor = self._successor(request, hierarchy, group) if agents else None
            if successor is not None:
                self._carry_agents(hierarchy, group, successor.id)
            elif agents and policy == AgentsOnDelete.UNASSIGN:
                self._carry_agents(hierarchy, group, None)
            elif agents and policy == AgentsOnDelete.MOVE_TO_PARENT and group.parent_id:
                self._carry_agents(hierarchy, group, group.parent_id)
            elif now - refused_since >= STALE_SECONDS:
                raise self._blocked(hierarchy, group, agents, refusal, doing)
            self._pause(doing, str(refusal))

    def _blocked(
        self,
        hierarchy: Hierarchy,
        group: Group,
        agents: list[Agent],
        refusal: Refusal,
        doing: str,
    ) -> HierarchyError:
        if agents:
            names = listed([quoted(agent.username) for agent in agents])
            return HierarchyError(
                doing,
                f"{len(agents)} agent(s) are in it: {names}",
                "move them, or set agents_on_delete and deploy, then delete",
            )
        children = listed([quoted(child.name) for child in hierarchy.children(group.id)])
        if children:
            return HierarchyError(
                doing,
                f"it has child groups: {children}",
                "delete or move those first; the group stays as it is",
            )
        return HierarchyError(doing, str(refusal), "find what uses the group, then delete again")

    def _delete_unanswered(self, request: Request) -> None:
        """Delete what a Create without an answer may have made, or may be about to make."""
        try:
            wanted = GroupProperties.read(request.properties)
        except HierarchyError as error:
            logger.info("nothing can have been made", extra={"why": str(error)})
            return
        hierarchy = self._hierarchy(wanted.instance_arn)
        began = self._schedule.clock.now()
        patience = 0.0 if request.is_unmade else MADE_UP_ID_PATIENCE
        while True:
            own = self._own_groups(request, hierarchy, frozenset({wanted.name}))
            for group in own:
                self._delete(request, hierarchy, group)
            if own or self._schedule.clock.now() - began >= patience:
                return
            self._pause("looking for a group that nobody answered for", "none so far")

    # --------------------------------------------------------------------------------------------

    def _check_owner(self, group: Group, owner: Owner, verb: str) -> None:
        held_by = group.owner
        if held_by is not None and not held_by.is_same_resource(owner):
            raise HierarchyError(
                f"{verb} hierarchy group {quoted(group.name)}",
                f"it now belongs to {held_by.resource} of stack {held_by.stack_name}",
                "remove it from one of the two stacks",
            )

    def _rolls_back(self) -> bool:
        state = self._own_stack.state()
        return state is not None and state.rolls_back

    def _pause(self, doing: str, why: str) -> None:
        pause = PAUSE * (0.5 + self._schedule.jitter())
        if pause >= self._schedule.left:
            raise HierarchyError(doing, f"out of time, {why}", "deploy again")
        self._schedule.clock.sleep(pause)


def temporary_name(owner: Owner, *, displaced: bool = False) -> str:
    """The name of a group that steps aside; always the same for a resource, so it can be found."""
    digest = sha256(f"{owner.stack}/{owner.resource}/{displaced}".encode()).hexdigest()
    return f"connect-hierarchy temporary {digest[:16]}"


def _answer(group: Group) -> Answer:
    return Answer(
        group.arn,
        {
            GroupAttribute.HIERARCHY_GROUP_ID: group.id,
            GroupAttribute.HIERARCHY_GROUP_ARN: group.arn,
            GroupAttribute.LEVEL_ID: group.level_id,
            GroupAttribute.PATH: group.path_of_names,
        },
    )
