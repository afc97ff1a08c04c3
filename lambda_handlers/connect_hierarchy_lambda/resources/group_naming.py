"""Renaming a group in place, also where a sibling of the stack still holds the name.

Two that swap their names would wait for each other, so each steps aside with its own group. A
sibling that holds on, since no update of it is under way, is put aside in its turn: either its
Delete is to come, or this is a rollback and the sibling is one that the update made. Should the
update that put it aside be taken back, the sibling gets its name back; a tag tells which one, and
is written a good while before the name is taken, so that reads show it when it is needed.
"""

from __future__ import annotations

import logging

from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import DISPLACES_TAG
from connect_hierarchy_lambda.resources.group_making import (
    NameTakenError,
    displaced_ids,
    displaces,
    keeps_its_name,
    may_free_its_name,
    put_aside,
)
from connect_hierarchy_lambda.resources.group_task import GroupTask, temporary_name

logger = logging.getLogger(__name__)


def rename_group(task: GroupTask, group: Group, name: str) -> None:
    """Give the group this name; NameTakenError where it can not have it, then it has its own."""
    try:
        _rename(task, group, name)
    except NameTakenError:
        # it may have stepped aside for the name
        task.hierarchy.rename_group(group.id, group.name)
        raise


def _rename(task: GroupTask, group: Group, name: str) -> None:
    doing = f"renaming hierarchy group {quoted(group.name)} to {quoted(name)}"
    aside = False
    with task.wait(doing, "the name is taken") as wait:
        while True:
            refusal = task.hierarchy.rename_group(group.id, name)
            if refusal is None:
                logger.info("renamed", extra={"group": group.arn, "to": name})
                return
            holders = _holders(task, group, name, doing)
            own = [holder for holder in holders if task.owner.is_same_resource(holder.owner)]
            for holder in own:
                # a move that is taken back, where a name can be had once in an instance
                put_aside(task, holder)
            if not aside:
                # this helps also where a group may not be renamed to the name that it has
                aside = True
                if holders and not task.rolls_back:
                    tag = displaces(task.operation, [holders[0].id], name)
                    task.hierarchy.tag_group(group.arn, tag)
                task.hierarchy.rename_group(group.id, temporary_name(task.owner))
            elif holders and not own and not may_free_its_name(task, holders[0], wait.seconds):
                holder = holders[0]
                if keeps_its_name(task, holder) and not task.has_name_by_hand(holder):
                    raise NameTakenError(
                        doing,
                        f"the name is taken by group {holder.id}, which was adopted",
                        "choose another name, or rename that group",
                    )
                made_room = put_aside(task, holder)
                if len(made_room) > 1 and not task.rolls_back:
                    tag = displaces(task.operation, made_room, name)
                    task.hierarchy.tag_group(group.arn, tag)
            wait.pause(str(refusal))


def forget_displaced(task: GroupTask, group: Group) -> None:
    """Nobody gets a name back any more: the update that took it, or waited for it, is over.

    Not so while the other still has no name of its own: the update failed and was not taken back
    yet.
    """
    for other_id in displaced_ids(group.tags[DISPLACES_TAG]):
        other = task.hierarchy.group(other_id, doubt_absence=False)
        if other is not None and task.has_put_aside(other):
            return
    task.hierarchy.untag_group(group.arn, [DISPLACES_TAG])


def _holders(task: GroupTask, group: Group, name: str, doing: str) -> list[Group]:
    """Who has the name, siblings alone where there are any; HierarchyError for a stranger."""
    others = [
        other for other in task.hierarchy.groups_named(frozenset({name})) if other.id != group.id
    ]
    holders = [other for other in others if other.parent_id == group.parent_id] or others
    for other in holders:
        if task.is_strangers(other):
            raise NameTakenError(
                doing,
                f"the name is taken by group {other.id} ({other.path_of_names})",
                "choose another name, or rename that group",
            )
    return holders
