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
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import DISPLACES_TAG
from connect_hierarchy_lambda.resources.group_making import may_free_its_name
from connect_hierarchy_lambda.resources.group_task import GroupTask, temporary_name

logger = logging.getLogger(__name__)


def rename_group(task: GroupTask, group: Group, name: str) -> None:
    """Give the group this name."""
    doing = f"renaming hierarchy group {quoted(group.name)} to {quoted(name)}"
    wait = task.wait(doing, "the name is taken")
    aside = displaced = False
    while True:
        refusal = task.hierarchy.rename_group(group.id, name)
        if refusal is None:
            logger.info("renamed", extra={"group": group.arn, "to": name})
            if aside and not displaced:
                task.hierarchy.untag_group(group.arn, [DISPLACES_TAG])
            return
        holders = _holders(task, group, name, doing)
        if any(task.owner.is_same_resource(holder.owner) for holder in holders):
            # a move that is taken back, where a name can be had once in an instance
            for holder in holders:
                task.hierarchy.rename_group(holder.id, temporary_name(task.owner, displaced=True))
            continue
        siblings = [holder for holder in holders if holder.parent_id == group.parent_id]
        if not aside:
            # this helps also where a group may not be renamed to the name that it has
            aside = True
            if siblings:
                task.hierarchy.tag_group(group.arn, {DISPLACES_TAG: siblings[0].id})
            task.hierarchy.rename_group(group.id, temporary_name(task.owner))
        elif siblings and not may_free_its_name(task, siblings[0], wait.seconds):
            displaced = True
            logger.info("putting a sibling aside", extra={"group": siblings[0].arn})
            task.hierarchy.rename_group(siblings[0].id, temporary_name(task.owner, displaced=True))
        wait.pause(str(refusal))


def give_name_back(task: GroupTask, group: Group, name: str) -> None:
    """Give a sibling back the name that was taken from it, now that this group has left it."""
    sibling = task.hierarchy.group(group.tags[DISPLACES_TAG], doubt_absence=False)
    if sibling is not None and sibling.name in {name, temporary_name(task.owner, displaced=True)}:
        logger.info("giving a name back", extra={"group": sibling.arn, "to": name})
        task.hierarchy.rename_group(sibling.id, name)
    forget_displaced(task, group)


def forget_displaced(task: GroupTask, group: Group) -> None:
    """Nobody gets a name back any more: the update that took it is over."""
    task.hierarchy.untag_group(group.arn, [DISPLACES_TAG])


def _holders(task: GroupTask, group: Group, name: str, doing: str) -> list[Group]:
    """Who has the name; HierarchyError if it is somebody outside of this stack."""
    holders = [
        other for other in task.hierarchy.groups_named(frozenset({name})) if other.id != group.id
    ]
    siblings = [other for other in holders if other.parent_id == group.parent_id]
    for other in siblings or holders:
        if not task.is_of_stack(other):
            raise HierarchyError(
                doing,
                f"the name is taken by group {other.id} ({other.path_of_names})",
                "choose another name, or rename that group",
            )
    return holders
