"""A group for a resource that has none where it wants one: made, found again, or taken over."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from connect_hierarchy_lambda.connect.calls import STALE_SECONDS, Refusal
from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.arns import GroupArn
from connect_hierarchy_lambda.model.messages import HierarchyError, OutOfTimeError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.overwritten import noted, notes_on
from connect_hierarchy_lambda.model.ownership import (
    DISPLACES_TAG,
    FORMER_TAG,
    FOUND_TAG,
    KEY_TAG,
    MOVED_FROM_TAG,
    NATIVE_STACK_TAG,
)
from connect_hierarchy_lambda.resources.group_properties import GroupProperties
from connect_hierarchy_lambda.resources.group_tags import write_tags_of_before
from connect_hierarchy_lambda.resources.group_task import TEMPORARY_NAME, GroupTask, temporary_name
from connect_hierarchy_lambda.resources.tree_passing_on import former_tag

logger = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds for the update of another resource of the stack to begin."""

MADE = "made/"
"""Begins the note about a group that was made, for the next run of the same request."""

_HASH_LENGTH = 12

_MOST_ASIDE = 5
"""Groups that make room for one, so that their ids fit into the value of a tag."""


class NameTakenError(HierarchyError):
    """A name belongs to a group that does not make room: a stranger's, or an adopted one."""


def make_group(
    task: GroupTask,
    wanted: GroupProperties,
    moved_from: str = "",
    marks: Mapping[str, str] | None = None,
    waited: float = 0.0,
    *,
    takes_over: bool = True,
) -> Group:
    """A group as wanted that belongs to the task's resource, whatever it takes to have one.

    `moved_from` is the id of the group that this one succeeds. A move takes nothing over: whoever
    is at its new place steps aside or is in the way. `marks` are further tags of our own; `waited`
    are seconds that other resources have had already to begin their updates. With `takes_over`
    False it is an error that anybody else is there.
    """
    tags = {**wanted.tags, **task.owner.tags(), **(marks or {})}
    if moved_from:
        tags[MOVED_FROM_TAG] = moved_from
    try:
        return _made_or_found(
            task, wanted, moved_from, marks or {}, tags, waited, takes_over=takes_over
        )
    except OutOfTimeError:
        raise
    except HierarchyError:
        if DISPLACES_TAG in tags:
            give_name_back(task, tags[DISPLACES_TAG], wanted.name)
        raise


def _made_or_found(
    task: GroupTask,
    wanted: GroupProperties,
    moved_from: str,
    marks: Mapping[str, str],
    tags: dict[str, str],
    waited: float,
    *,
    takes_over: bool,
) -> Group:
    """As `make_group`; `tags` are those of a new group, and tell in the end what stepped aside."""
    doing = f"creating hierarchy group {quoted(wanted.name)}"
    with task.wait(doing, "the name is taken") as wait:
        while True:
            made = task.hierarchy.create_group(wanted.name, wanted.parent_id, tags)
            if isinstance(made, str):
                return _read_back(task, made)
            holder = _holder(task, wanted)
            if holder is None:
                operation = task.operation
                displaced = _free_name_elsewhere(
                    task, wanted, moved_from, made, doing, wait.seconds
                )
                if displaced:
                    tags |= displaces(operation, displaced, wanted.name)
            elif _was_taken_from(task, holder, marks):
                return _take_over(task, holder, wanted, doing, "", marks)
            elif not takes_over and not task.owner.is_same_resource(holder.owner):
                raise HierarchyError(
                    doing, f"it exists already, {holder.id}", "choose another name"
                )
            elif may_free_its_name(task, holder, waited + wait.seconds):
                pass
            elif _steps_aside(task, holder, moved_from):
                operation = task.operation
                tags |= displaces(operation, put_aside(task, holder), wanted.name)
            elif moved_from and not task.owner.is_same_resource(holder.owner):
                raise HierarchyError(
                    doing,
                    f"it exists already, {holder.id}, and a move takes nothing over",
                    "choose another name, or delete that group",
                )
            else:
                return _take_over(task, holder, wanted, doing, moved_from, marks)
            _check_patience(task, doing, str(made), wait.seconds)
            wait.pause(str(made))


def _check_patience(task: GroupTask, doing: str, why: str, waited: float) -> None:
    """Give a group up that a rollback makes anew, and that was not there before the update.

    Who has its name may wait for one that this resource has, and does not go before.
    """
    if waited >= STALE_SECONDS and task.rolls_back:
        raise HierarchyError(doing, why, "deploy again")


def _was_taken_from(task: GroupTask, holder: Group, marks: Mapping[str, str]) -> bool:
    """Whether the update that is taken back took the group from this node of the tree."""
    if FORMER_TAG not in holder.tags or task.owner.is_same_resource(holder.owner):
        return False
    former = holder.tags[FORMER_TAG].split("/")
    return former[:2] == [task.owner.resource, marks.get(KEY_TAG)] and task.rolls_back


def _steps_aside(task: GroupTask, holder: Group, moved_from: str) -> bool:
    """Whether the holder of the name makes room and is not taken over.

    It does for a move, which brings its own group along, and where it has its name by hand only:
    then it is not the group of a construct that now has another id.
    """
    if task.owner.is_same_resource(holder.owner):
        return False
    if task.has_name_by_hand(holder):
        return True
    return bool(moved_from) and task.is_of_stack(holder) and not keeps_its_name(task, holder)


def keeps_its_name(task: GroupTask, holder: Group) -> bool:
    """Whether a group was adopted: who leaves the stack is let go as it was found."""
    return holder.owner is not None and holder.owner.adopted and not task.rolls_back


def put_aside(task: GroupTask, other: Group, before: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Take the name from another resource's group; the ids of all that had to make room.

    It is on its way out; or it was renamed by hand, then it gets the name that it should have, and
    who has that by hand gets its own in turn, and who leaves makes room. `before` are the ids of
    those who wait for it. NameTakenError where another has that: then it stays, but in a rollback.
    """
    aside = (*before, other.id)
    name, named = task.declared_name(other), False
    if name not in {"", other.name} and len(aside) <= _MOST_ASIDE:
        named = task.hierarchy.rename_group(other.id, name) is None
        if not named:
            aside = _free_own_name(task, other, name, aside)
            named = task.hierarchy.rename_group(other.id, name) is None
    if not named:
        name = temporary_name(task.owner, other.id)
        task.hierarchy.rename_group(other.id, name)
    logger.info("put a group aside", extra={"group": other.arn, "held": other.name, "now": name})
    return aside


def _free_own_name(
    task: GroupTask, other: Group, name: str, aside: tuple[str, ...]
) -> tuple[str, ...]:
    """Let who has the name that a group should have make room for it; the ids of all that did."""
    holders = task.hierarchy.groups_named(frozenset({name}))
    for holder in [h for h in holders if h.parent_id == other.parent_id] or holders:
        leaves = task.leaves_stack(holder)
        keeps = task.is_strangers(holder) or (leaves and keeps_its_name(task, holder))
        if keeps and not task.rolls_back and task.is_declared_here(other):
            owner = quoted(other.owner.resource if other.owner is not None else other.id)
            raise NameTakenError(
                f"taking the name {quoted(other.name)} from group {other.id}",
                f"somebody gave it to this one of {owner}, and its own, {quoted(name)}, is taken "
                f"by group {holder.id} ({holder.path_of_names})",
                "rename one of them",
            )
        makes_room = not keeps and (leaves or task.has_name_by_hand(holder))
        if makes_room and holder.id not in aside:
            aside = put_aside(task, holder, aside)
    return aside


def displaces(operation: str, ids: Iterable[str], name: str) -> dict[str, str]:
    """The tag of a group that takes this name from others, or waits for it."""
    return {DISPLACES_TAG: "/".join([*ids, _hash(name), operation])}


def displaced_ids(displaced: str) -> list[str]:
    """The ids of the groups that such a tag names."""
    return displaced.split("/")[:-2]


def displaces_now(task: GroupTask, displaced: str) -> bool:
    """Whether such a tag is of the operation at work, and not one that an earlier one left."""
    return displaced.endswith(f"/{task.operation}")


def give_name_back(task: GroupTask, displaced: str, name: str) -> None:
    """Give the group that was put aside its name back, now that this one has left it.

    `displaced` is what the tag says of it. It has a temporary name, or the one of the template,
    which may be what it was to be called after the update that is taken back; who made room for
    that in turn gets that. A tag that an earlier operation left says nothing about the name that
    the other has got since, nor does one about another name.
    """
    if _hash(name) != displaced.split("/")[-2]:
        return
    for other_id in displaced_ids(displaced):
        if name.startswith(TEMPORARY_NAME):
            return  # the one before was put aside by somebody else, who took its name back
        other = task.hierarchy.group(other_id, doubt_absence=False)
        if other is None or other.name == name:
            return
        if not task.has_put_aside(other) and not displaces_now(task, displaced):
            return
        logger.info("giving a name back", extra={"group": other.arn, "to": name})
        task.hierarchy.rename_group(other.id, name)
        name = other.name


def _hash(name: str) -> str:
    return sha256(name.encode(errors="surrogatepass")).hexdigest()[:_HASH_LENGTH]


def give_names_back(task: GroupTask, name: str) -> None:
    """Give groups their name back that this resource has put aside for a group it has not made.

    Nothing but their temporary names tells of them.
    """
    for summary in task.hierarchy.group_summaries():
        if not task.has_put_aside(summary):
            continue
        other = task.hierarchy.group(summary.id, doubt_absence=False)
        # one of this resource is a successor on its way out
        if other is not None and MOVED_FROM_TAG not in other.tags:
            logger.info("giving a name back", extra={"group": other.arn, "to": name})
            task.hierarchy.rename_group(other.id, name)


def _read_back(task: GroupTask, arn: str) -> Group:
    """Read what was created; remove it again where that fails.

    Not so where time is over: a further run of the same event finds the group and goes on.
    """
    failed_id = task.request.failed_id
    if task.request.type == "Create":
        task.request.failed_id = arn
    group_id = GroupArn.parse(arn).group_id
    task.request.notes[f"{MADE}{group_id}"] = ""
    logger.info("created hierarchy group", extra={"group": arn})
    try:
        return _existing(task, group_id)
    except OutOfTimeError:
        raise
    except HierarchyError:
        half_made = Group(arn, group_id, group_id, "", ())
        # another run of the same event may have answered with it
        is_in_use = task.request.logical_id in task.own_stack.resources_with(arn)
        if is_in_use:
            raise
        if task.hierarchy.delete_group(half_made, doubt_absence=True) is None:
            task.request.failed_id = failed_id
        raise


def _existing(task: GroupTask, group_id: str) -> Group:
    group = task.hierarchy.group(group_id)
    if group is None:
        doing = f"creating hierarchy group {group_id}"
        raise HierarchyError(doing, "it was gone right after", "see who deletes groups")
    return group


def _holder(task: GroupTask, wanted: GroupProperties) -> Group | None:
    """The group that has the name right below the wanted parent."""
    for group in task.hierarchy.groups_named(frozenset({wanted.name}), {wanted.parent_id}):
        if group.parent_id == wanted.parent_id:
            return group
    return None


def may_free_its_name(task: GroupTask, holder: Group, waited: float) -> bool:
    """Whether another resource of this stack holds a name that it may be about to leave.

    Its construct may be renamed or moved in the same deployment, and CloudFormation begins updates
    in no order that we know. One that does not begin is on its way out: it is left out of the
    template, or was made by an update that is taken back.
    """
    held_by = holder.owner
    if held_by is None or held_by.stack != task.owner.stack or held_by.is_same_resource(task.owner):
        return False
    if waited < PATIENCE or task.own_stack.is_updating(held_by.resource):
        return True
    # its update may wait for that of another resource
    now = task.schedule.clock.now()
    return task.own_stack.seconds_since_change(now) < PATIENCE


def _free_name_elsewhere(
    task: GroupTask,
    wanted: GroupProperties,
    moved_from: str,
    refusal: Refusal,
    doing: str,
    waited: float,
) -> tuple[str, ...]:
    """Where a name is taken in the whole instance: our own original steps aside.

    So does another group of the stack that has the name by hand only, leaves the stack or was left
    behind: what is returned are the ids of those who made room.
    """
    others = task.hierarchy.groups_named(frozenset({wanted.name}))
    if any(other.parent_id == wanted.parent_id for other in others):
        return ()  # it shows up only now
    for other in others:
        is_own = task.owner.is_same_resource(other.owner)
        if is_own and moved_from:
            logger.info("the original steps aside", extra={"group": other.arn})
            task.hierarchy.rename_group(other.id, temporary_name(task.owner))
            return ()
        if may_free_its_name(task, other, waited):
            return ()
        leaves = task.leaves_stack(other) and not keeps_its_name(task, other)
        if is_own or task.has_name_by_hand(other) or leaves:
            return put_aside(task, other)
    if waited <= STALE_SECONDS:
        return ()  # a group made a moment ago may not show up yet
    for other in others:
        raise HierarchyError(
            doing,
            f"the name is taken in the instance by group {other.id} ({other.path_of_names})",
            "choose another name, or rename that group",
        )
    raise HierarchyError(
        doing,
        f"{refusal}, but no group of that name was found",
        "deploy again when ListUserHierarchyGroups shows it",
    )


def _take_over(
    task: GroupTask,
    group: Group,
    wanted: GroupProperties,
    doing: str,
    moved_from: str,
    marks: Mapping[str, str],
) -> Group:
    """Make a group that exists ours, where that is allowed."""
    owner, held_by = task.owner, group.owner
    # a Create that is still at work in a rollback was cancelled: its Delete has to undo all
    takes_back = task.rolls_back and task.request.type != "Create"
    marks = dict(marks)
    if moved_from:
        marks[MOVED_FROM_TAG] = moved_from
    if held_by is None:
        _check_adoptable(group, wanted, doing)
        owner = replace(owner, adopted=True)
    elif held_by.is_same_resource(owner):
        if held_by.request != owner.request and not takes_back:
            # left behind by an earlier deployment: a rollback of this one leaves it there again
            marks[FOUND_TAG] = owner.request
        owner = replace(held_by, request=owner.request)
    elif held_by.stack == owner.stack:
        # its construct has another id now: the group stays, and its id with it
        owner = replace(owner, adopted=held_by.adopted)
        is_on_record = KEY_TAG not in group.tags and task.own_stack.resources_with(group.arn)
        if not is_on_record and not takes_back:
            # CloudFormation does not know that a tree had it, or who left it: the group has to
            marks[FORMER_TAG] = former_tag(group, held_by)
    else:
        raise HierarchyError(
            doing,
            f"it exists already, {group.id}, and belongs to {held_by.resource} of stack "
            f"{held_by.stack_name}",
            "delete it there; if that stack is gone: `aws connect untag-resource`, see README",
        )
    logger.info("taking over", extra={"group": group.arn, "from": str(held_by)})
    stale: frozenset[str] = frozenset()
    if held_by is None or held_by.request != task.owner.request:
        stale = noted(group.tags) | ({FORMER_TAG} & group.tags.keys())
        if takes_back:
            # it was another's for a while, who noted what it overwrote
            write_tags_of_before(task, group, group.tags)
        else:
            marks |= notes_on(group.tags, wanted.tags)
    task.put_tags(group, {**wanted.tags, **owner.tags(), **marks}, remove=stale, changed=True)
    if task.request.type == "Create":
        task.request.failed_id = group.arn
    # its Delete goes by what it reads, and CloudFormation does not know of these
    noted_here = {key: marks[key] for key in (FORMER_TAG, FOUND_TAG) if key in marks}
    return task.wait_until_shown(group, noted_here) if noted_here else group


def _check_adoptable(group: Group, wanted: GroupProperties, doing: str) -> None:
    native_stack = group.tags.get(NATIVE_STACK_TAG)
    if native_stack is not None and native_stack != wanted.adopt_from_stack:
        raise HierarchyError(
            doing,
            f"it exists already, {group.id}, made by CloudFormation stack {native_stack}",
            "there: DeletionPolicy Retain, deploy; then adopt_existing and adopt_from_stack",
        )
    if not wanted.adopt_existing:
        raise HierarchyError(
            doing,
            f"it exists already, {group.id}, and belongs to no stack",
            "adopt_existing=True takes it over, or choose another name",
        )
