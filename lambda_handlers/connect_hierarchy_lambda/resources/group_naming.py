"""Renaming a group in place, also where a sibling of the stack still holds the name.

Two that swap their names would wait for each other, so each steps aside with its own group. A
sibling that holds on, since no update of it is under way, is put aside in its turn: either its
Delete is to come, or this is a rollback and the sibling is one that the update made. Should the
update that put it aside be taken back, the sibling gets its name back.
"""

from __future__ import annotations

import logging

from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.messages import HierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.ownership import DISPLACED_BY_TAG
from connect_hierarchy_lambda.resources.group_making import PATIENCE, may_free_its_name
from connect_hierarchy_lambda.resources.group_task import GroupTask, temporary_name

logger = logging.getLogger(__name__)


def rename_group(task: GroupTask, group: Group, name: str) -> None:
    """Give the group this name."""
    doing = f"renaming hierarchy group {quoted(group.name)} to {quoted(name)}"
    wait = task.wait(doing, "the name is taken")
    aside = False
    while True:
        refusal = task.hierarchy.rename_group(group.id, name)
        if refusal is None:
            logger.info("renamed", extra={"group": group.arn, "to": name})
            return
        holders = [
            other
            for other in task.hierarchy.groups_named(frozenset({name}))
            if other.id != group.id
        ]
        own = [other for other in holders if task.owner.is_same_resource(other.owner)]
        siblings = [other for other in holders if other.parent_id == group.parent_id]
        for other in siblings or holders:
            if not task.is_of_stack(other):
                raise HierarchyError(
                    doing,
                    f"the name is taken by group {other.id} ({other.path_of_names})",
                    "choose another name, or rename that group",
                )
        for other in own:
            # a move that is taken back, where a name can be had once in an instance
            task.hierarchy.rename_group(other.id, temporary_name(task.owner, displaced=True))
        if own:
            continue
        if not aside:
            # this helps also where a group may not be renamed to the name that it has
            task.hierarchy.rename_group(group.id, temporary_name(task.owner))
            aside = True
        elif siblings and not may_free_its_name(task, siblings[0], wait.seconds):
            _put_aside(task, siblings[0])
        wait.pause(str(refusal))


def give_name_back(task: GroupTask, group: Group, name: str) -> None:
    """Give a sibling back the name that was taken from it, now that this group left it again.

    It may have been put aside a moment ago, so it is looked for until a read would show it.
    """
    displaced = frozenset({temporary_name(task.owner, displaced=True)})
    wait = task.wait(f"giving the name {quoted(name)} back", "nobody seems to have had it")
    while True:
        for other in task.hierarchy.groups_named(displaced):
            if other.parent_id == group.parent_id:
                logger.info("giving a name back", extra={"group": other.arn, "to": name})
                task.hierarchy.rename_group(other.id, name)
                task.hierarchy.untag_group(other.arn, [DISPLACED_BY_TAG])
                return
        if wait.seconds >= PATIENCE:
            return
        wait.pause()


def _put_aside(task: GroupTask, other: Group) -> None:
    logger.info("putting a sibling aside", extra={"group": other.arn, "held": other.name})
    task.hierarchy.tag_group(other.arn, {DISPLACED_BY_TAG: task.request.logical_id})
    task.hierarchy.rename_group(other.id, temporary_name(task.owner, displaced=True))
