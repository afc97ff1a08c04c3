"""`Custom::ConnectHierarchyGroup`: one group of an instance's hierarchy.

A rename keeps the group. There is no call that moves one, so a move makes a second group and
answers its ARN: CloudFormation deletes the first in its clean-up, or takes the move back. Both are
told apart from strangers by the tags of `model.ownership`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from connect_hierarchy_lambda.connect.hierarchies import Group, Hierarchy
from connect_hierarchy_lambda.connect.own_stack import NoLongerWantedError, OwnStack, StillWanted
from connect_hierarchy_lambda.connect.time import Schedule
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import HierarchyError, listed
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import DISPLACES_TAG
from connect_hierarchy_lambda.model.properties import GroupAttribute
from connect_hierarchy_lambda.resources.group_agents import carry_agents
from connect_hierarchy_lambda.resources.group_making import make_group
from connect_hierarchy_lambda.resources.group_naming import (
    forget_displaced,
    give_name_back,
    rename_group,
)
from connect_hierarchy_lambda.resources.group_properties import GroupProperties
from connect_hierarchy_lambda.resources.group_removal import (
    remove_group,
    remove_unanswered,
    undo_creation,
)
from connect_hierarchy_lambda.resources.group_task import GroupTask
from connect_hierarchy_lambda.resources.request import Answer, Request

logger = logging.getLogger(__name__)


class Groups:
    """Create, update and delete of groups."""

    def __init__(
        self,
        hierarchy: Callable[[str], Hierarchy],
        own_stack: OwnStack,
        watch: StillWanted,
        schedule: Schedule,
    ) -> None:
        self._hierarchy = hierarchy
        self._own_stack = own_stack
        self._watch = watch
        self._schedule = schedule

    def create(self, request: Request) -> Answer:
        """Make the group, or find the one that an earlier run made, or adopt."""
        wanted = GroupProperties.read(request.properties)
        task = self._task(request, wanted.instance_arn)
        self._watch.look()
        try:
            group = make_group(task, wanted)
            self._watch.look(writes=True)
        except NoLongerWantedError:
            # its Delete may be over already, so nobody else would
            undo_creation(task, wanted)
            raise
        return _answer(group)

    def update(self, request: Request) -> Answer:
        """Rename, tag or move; what was deleted behind our back is made anew."""
        wanted = GroupProperties.read(request.properties)
        old = GroupProperties.read(request.old_properties)
        task = self._task(request, wanted.instance_arn)
        self._watch.look()
        try:
            group = _update(task, old, wanted)
            self._watch.look(writes=True)
        except NoLongerWantedError:
            # the reversed Update may be over already, so nobody else would
            if task.rolls_back:
                _take_back(task, old, wanted)
            raise
        return _answer(group)

    def delete(self, request: Request) -> Answer:
        """Delete the group if it is ours, release it if it was adopted."""
        answer = Answer(request.physical_id)
        try:
            arn = GroupArn.parse(request.physical_id)
        except InvalidHierarchyError:
            self._delete_unanswered(request)
            return answer
        remove_group(self._task(request, arn.instance_arn), arn.group_id)
        return answer

    def _delete_unanswered(self, request: Request) -> None:
        try:
            wanted = GroupProperties.read(request.properties)
        except HierarchyError as error:
            logger.info("nothing can have been made", extra={"why": str(error)})
            return
        remove_unanswered(self._task(request, wanted.instance_arn), wanted)

    def _task(self, request: Request, instance_arn: str) -> GroupTask:
        return GroupTask(request, self._hierarchy(instance_arn), self._own_stack, self._schedule)


def _update(task: GroupTask, old: GroupProperties, wanted: GroupProperties) -> Group:
    if _place(wanted) != _place(old):
        return _move(task, old, wanted)
    group = task.hierarchy.group(task.request.physical_id.rsplit("/", 1)[-1])
    if group is None:
        logger.warning("the group was deleted outside of this stack, it is made anew")
        return make_group(task, wanted)
    if group.owner is not None and not group.owner.is_same_resource(task.owner):
        raise HierarchyError(
            f"updating hierarchy group {quoted(group.name)}",
            f"it now belongs to {group.owner.resource} of stack {group.owner.stack_name}",
            "remove it from one of the two stacks",
        )
    return _bring_up_to_date(task, group, old, wanted)


def _take_back(task: GroupTask, old: GroupProperties, wanted: GroupProperties) -> None:
    """Undo what an update did that was cancelled, in the way that its reversed Update does."""
    if old.instance_arn == wanted.instance_arn:
        _update(task, wanted, old)
    undo_creation(task, wanted)


def _place(properties: GroupProperties) -> tuple[str, str | None]:
    return properties.instance_arn, properties.parent_id


def _bring_up_to_date(
    task: GroupTask, group: Group, old: GroupProperties, wanted: GroupProperties
) -> Group:
    """Tags and name as wanted, whatever they are now."""
    owner = group.owner or task.owner
    if old.adopt_existing and not wanted.adopt_existing:
        owner = replace(owner, adopted=False)
    elif wanted.adopt_existing and not old.adopt_existing and task.rolls_back:
        owner = replace(owner, adopted=True)
    task.put_tags(
        group,
        {**wanted.tags, **owner.tags()},
        remove=old.tags.keys(),
        changed=old.tags != wanted.tags or old.adopt_existing != wanted.adopt_existing,
    )
    displaces = DISPLACES_TAG in group.tags
    rolls_back = displaces and task.rolls_back
    if displaces and not rolls_back:
        forget_displaced(task, group)
    # as with tags: what the request says is new is written, whatever the group seems to be called
    if group.name != wanted.name or old.name != wanted.name:
        rename_group(task, group, wanted.name)
    if rolls_back:
        give_name_back(task, group, old.name)
    return replace(group, name=wanted.name, path=(*group.path[:-1], (group.id, wanted.name)))


def _move(task: GroupTask, old: GroupProperties, wanted: GroupProperties) -> Group:
    """The group of this resource under the wanted parent, with all its agents in it."""
    own = task.own_groups(frozenset({old.name, wanted.name}))
    homes = [group for group in own if group.parent_id == wanted.parent_id]
    sources = [group for group in own if group.parent_id != wanted.parent_id]
    if homes:
        # a run that was here before, or a rollback: then this is the original
        logger.info("found the group at its place", extra={"group": homes[0].arn})
        target = _bring_up_to_date(task, homes[0], old, wanted)
    else:
        for source in sources:
            _check_children(task, source)
        target = make_group(task, wanted)
    for source in sources:
        carry_agents(task.hierarchy, source, target.id)
    return target


def _check_children(task: GroupTask, group: Group) -> None:
    """Refuse to move a group with children that would not follow it."""
    strangers = [
        quoted(child.name)
        for child in task.hierarchy.children(group.id)
        if not task.is_of_stack(child)
    ]
    if strangers:
        raise HierarchyError(
            f"moving hierarchy group {quoted(group.name)}",
            f"it has child groups that are not of this stack: {listed(strangers)}",
            "adopt them in this stack, or move them away first",
        )


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
