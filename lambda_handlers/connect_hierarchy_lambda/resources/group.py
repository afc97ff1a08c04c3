"""`Custom::ConnectHierarchyGroup`: one group of an instance's hierarchy.

A rename keeps the group. There is no call that moves one, so a move makes a second group and
answers its ARN: CloudFormation deletes the first in its clean-up, or takes the move back. Both are
told apart from strangers by the tags of `model.ownership`.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.messages import (
    HierarchyError,
    NoLongerWantedError,
    OutOfTimeError,
    listed,
)
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.overwritten import noted
from connect_hierarchy_lambda.model.ownership import (
    ADOPTED_TAG,
    DISPLACES_TAG,
    FORMERLY_ADOPTED,
    MOVED_FROM_TAG,
)
from connect_hierarchy_lambda.model.properties import GroupAttribute
from connect_hierarchy_lambda.resources.group_agents import carry_agents
from connect_hierarchy_lambda.resources.group_making import (
    NameTakenError,
    displaces_now,
    give_name_back,
    give_names_back,
    make_group,
)
from connect_hierarchy_lambda.resources.group_naming import forget_displaced, rename_group
from connect_hierarchy_lambda.resources.group_properties import GroupProperties
from connect_hierarchy_lambda.resources.group_removal import (
    remove_group,
    remove_unanswered,
    undo_creation,
    unless_unmade,
)
from connect_hierarchy_lambda.resources.group_task import TEMPORARY_NAME, GroupTask, temporary_name
from connect_hierarchy_lambda.resources.request import Answer, Request
from connect_hierarchy_lambda.resources.run import Run

logger = logging.getLogger(__name__)


class Groups:
    """Create, update and delete of groups."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def create(self, request: Request) -> Answer:
        """Make the group, or find the one that an earlier run made, or adopt."""
        wanted = GroupProperties.read(request.properties)
        task = self._task(request, wanted.instance_arn)
        try:
            self._run.watch.look()
            group = make_group(task, wanted)
            self._run.watch.look_once_more()
        except NoLongerWantedError:
            # its Delete may be over already, so nobody else would
            undo_creation(task, wanted)
            raise
        return _answer(group)

    def update(self, request: Request) -> Answer:
        """Rename, tag or move; what was deleted behind our back is made anew."""
        wanted = GroupProperties.read(request.properties)
        old = GroupProperties.read_earlier(request.old_properties, wanted)
        task = self._task(request, wanted.instance_arn)
        try:
            self._run.watch.look()
        except NoLongerWantedError:
            # an earlier run may have died after the reversed Update looked for what it made
            undo_creation(task, wanted)
            raise
        is_reversed = task.rolls_back
        try:
            group = _update(task, old, wanted)
            self._run.watch.look_once_more()
        except NoLongerWantedError:
            # the reversed Update may be over already, so nobody else would; for one that is the
            # reversed Update, another run of the same event has answered
            if task.rolls_back and not is_reversed:
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
        if self._comes_late(request):
            return answer
        remove_group(self._task(request, arn.instance_arn), arn.group_id)
        return answer

    def _delete_unanswered(self, request: Request) -> None:
        try:
            wanted = GroupProperties.read(request.properties)
        except HierarchyError as error:
            logger.info("nothing can have been made", extra={"why": str(error)})
            return
        if not request.is_unmade and self._comes_late(request):
            return
        with unless_unmade(request):
            remove_unanswered(self._task(request, wanted.instance_arn), wanted)

    def _comes_late(self, request: Request) -> bool:
        recorded = self._run.own_stack.resource(request.logical_id)
        if recorded is None or not recorded.outlives(request.physical_id):
            return False
        logger.warning("CloudFormation does not delete this, the group stays")
        return True

    def _task(self, request: Request, instance_arn: str) -> GroupTask:
        return GroupTask.of(self._run, request, instance_arn)


def _update(task: GroupTask, old: GroupProperties, wanted: GroupProperties) -> Group:
    if _place(wanted) != _place(old):
        return _move(task, old, wanted)
    group = task.hierarchy.group(task.given_group_id)
    if group is None:
        return _remake(task, wanted) or _missing(wanted, task.given_group_id)
    _check_not_of_another_stack(task, group)
    return _bring_up_to_date(task, group, old, wanted)


def _remake(task: GroupTask, wanted: GroupProperties, moved_from: str = "") -> Group | None:
    """Make a group anew that was deleted outside of the stack; a rollback can do without it."""
    logger.warning("the group was deleted outside of this stack, it is made anew")
    rolls_back = task.rolls_back
    try:
        # what the update has not taken from anybody is not taken now
        return make_group(task, wanted, moved_from, takes_over=not rolls_back)
    except OutOfTimeError:
        raise
    except HierarchyError as error:
        if not rolls_back:
            raise
        logger.warning("it was not there before the update either", extra={"why": str(error)})
        return None


def _missing(wanted: GroupProperties, group_id: str) -> Group:
    """What CloudFormation had on record for a group that is not there."""
    arn = str(GroupArn(wanted.instance_arn, group_id))
    return Group(arn, group_id, wanted.name, "", ((group_id, wanted.name),))


def _take_back(task: GroupTask, old: GroupProperties, wanted: GroupProperties) -> None:
    """Undo what an update did that was cancelled, where its reversed Update did not see it."""
    if _place(wanted) != _place(old):
        if old.instance_arn == wanted.instance_arn:
            _move(task, wanted, old)
    else:
        group = task.hierarchy.group(task.given_group_id)
        if group is not None and group.name in {wanted.name, temporary_name(task.owner)}:
            # the reversed Update is at work as well: a name that is taken is left to it
            task.hierarchy.rename_group(group.id, old.name)
        if group is not None and old.tags != wanted.tags:
            own = group.owner.tags() if group.owner else {}
            task.put_tags(group, {**old.tags, **own}, remove=wanted.tags.keys(), changed=True)
    undo_creation(task, wanted)


def _place(properties: GroupProperties) -> tuple[str, str | None]:
    return properties.instance_arn, properties.parent_id


def _bring_up_to_date(
    task: GroupTask,
    group: Group,
    old: GroupProperties,
    wanted: GroupProperties,
    *,
    doubts_name: bool = False,
) -> Group:
    """Owner, tags and name as wanted, whatever they are now."""
    held_by = group.owner or replace(task.owner, adopted=wanted.adopt_existing)
    # another resource of the stack may have taken the group for one that is left out
    owner = replace(held_by, resource=task.owner.resource)
    marks = {}
    if old.adopt_existing and not wanted.adopt_existing and owner.adopted:
        owner = replace(owner, adopted=False)
        marks[ADOPTED_TAG] = FORMERLY_ADOPTED
    elif group.tags.get(ADOPTED_TAG) == FORMERLY_ADOPTED and task.rolls_back:
        # unless it was made the stack's own by an earlier update than the one that is taken back
        owner = replace(owner, adopted=wanted.adopt_existing)
    task.put_tags(
        group,
        {**wanted.tags, **owner.tags(), **marks},
        remove=old.tags.keys(),
        changed=old.tags != wanted.tags or old.adopt_existing != wanted.adopt_existing,
    )
    task.hierarchy.untag_group(group.arn, sorted(noted(group.tags)))
    displaces = group.tags.get(DISPLACES_TAG, "")
    rolls_back = bool(displaces) and task.rolls_back
    if displaces and not rolls_back and not displaces_now(task, displaces):
        forget_displaced(task, group)
    # as with tags: what the request says is new is written, whatever the group seems to be called
    if doubts_name or group.name != wanted.name or old.name != wanted.name:
        group = _named(task, group, wanted.name)
    if rolls_back:
        give_name_back(task, displaces, old.name)
        forget_displaced(task, group)
    return group


def _named(task: GroupTask, group: Group, name: str) -> Group:
    """The group with this name; in a rollback with its own where a stranger has this one by now.

    Nobody could take it from there, and a rollback that failed would leave all else undone.
    """
    try:
        rename_group(task, group, name)
    except NameTakenError as error:
        if not task.rolls_back:
            raise
        there = task.hierarchy.group(group.id)
        if there is None or there.name.startswith(TEMPORARY_NAME):
            raise
        logger.warning("the name is somebody else's now", extra={"why": str(error)})
        return there
    return replace(group, name=name, path=(*group.path[:-1], (group.id, name)))


def _move(task: GroupTask, old: GroupProperties, wanted: GroupProperties) -> Group:
    """The group of this resource under the wanted parent, with all its agents in it."""
    involved = _involved(task, old, wanted)
    homes = [group for group in involved if group.parent_id == wanted.parent_id]
    sources = [group for group in involved if group.parent_id != wanted.parent_id]
    if homes:
        # a run that was here before, or a rollback: then this is the original
        logger.info("found the group at its place", extra={"group": homes[0].arn})
        # it may have stepped aside a moment ago, which reads need not show yet
        target = _bring_up_to_date(task, homes[0], old, wanted, doubts_name=True)
    else:
        for source in sources:
            _check_children(task, source)
        # in a rollback it is the original that is gone
        make = make_group if sources and not task.rolls_back else _remake
        made = make(task, wanted, task.given_group_id)
        came_from = [source.tags.get(MOVED_FROM_TAG) for source in sources]
        target = made or _missing(wanted, next(filter(None, came_from), task.given_group_id))
    for source in sources:
        if homes or made:
            carry_agents(task, source, target.id)
        if source.id not in {task.given_group_id, task.recorded_group_id}:
            _remove_unknown(task, source)
    if task.rolls_back:
        give_names_back(replace(task, instance_arn=old.instance_arn), old.name)
        if old.instance_arn != wanted.instance_arn:
            _remove_elsewhere(task, old, target)
    return target


def _involved(task: GroupTask, old: GroupProperties, wanted: GroupProperties) -> list[Group]:
    """The groups of this move: the one that the event is about, and those it came from or led to.

    Others of this resource may exist, retained or left behind by earlier deployments: they stay
    out of it.
    """
    given = task.given_group
    ids = {task.given_group_id, task.recorded_group_id}
    if given is not None:
        _check_not_of_another_stack(task, given)
        if task.rolls_back and not _is_at_its_place(given, wanted):
            # else it came from there in an earlier move, and may be another resource's by now
            ids.add(given.tags.get(MOVED_FROM_TAG, ""))
    own = {group.id: group for group in task.own_groups(old, wanted, known=given)}
    if given is not None and given.arn.startswith(wanted.instance_arn):
        own[given.id] = given
    ids |= {group.id for group in own.values() if group.tags.get(MOVED_FROM_TAG) in ids - {""}}
    if task.rolls_back:
        # one that the update gave to another resource of the stack comes back from it, and one
        # whose tags somebody took away is known by its id
        for group_id in ids - own.keys() - {""}:
            former = task.hierarchy.group(group_id, doubt_absence=False)
            if former is not None and (former.owner is None or task.is_of_stack(former)):
                own[group_id] = former
    # the original first: there can be two at a place where an earlier one was left behind
    return sorted(
        (group for group in own.values() if group.id in ids),
        key=lambda group: MOVED_FROM_TAG in group.tags,
    )


def _is_at_its_place(group: Group, wanted: GroupProperties) -> bool:
    here = group.arn.startswith(wanted.instance_arn)
    return here and group.parent_id == wanted.parent_id


def _remove_elsewhere(task: GroupTask, old: GroupProperties, original: Group) -> None:
    """Remove what a run that never answered has made on the instance that the group went to."""
    elsewhere = replace(task, instance_arn=old.instance_arn)
    for group in elsewhere.own_groups(old):
        is_known = group.id in {task.given_group_id, task.recorded_group_id}
        if group.tags.get(MOVED_FROM_TAG) == original.id and not is_known:
            _remove_unknown(elsewhere, group)


def _remove_unknown(task: GroupTask, group: Group) -> None:
    """Remove a group that only a run knows of which failed; nobody else would."""
    try:
        remove_group(task, group.id)
    except OutOfTimeError:
        raise
    except HierarchyError as error:
        logger.warning("a group is left behind", extra={"group": group.arn, "why": str(error)})


def _check_not_of_another_stack(task: GroupTask, group: Group) -> None:
    owner = group.owner
    if owner is not None and not task.is_of_stack(group):
        raise HierarchyError(
            f"updating hierarchy group {quoted(group.name)}",
            f"it now belongs to {owner.resource} of stack {owner.stack_name}",
            "remove it from one of the two stacks",
        )


def _check_children(task: GroupTask, group: Group) -> None:
    """Refuse to move a group with children that would not follow it."""
    children = task.hierarchy.children(group.id)
    if strangers := [quoted(child.name) for child in task.strangers_among(children)]:
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
