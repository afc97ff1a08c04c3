"""Groups that pass between a tree and the other resources of its stack, with their ids.

CloudFormation knows which single resource has a group, by its physical id. Which group a tree has
it does not know, so a group that another resource took from a tree bears a tag that says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.ownership import FORMER_TAG, KEY_TAG, LEFT, RETIRED_TAG, Owner
from connect_hierarchy_lambda.model.properties import (
    GroupProperty,
    ResourceType,
    TreeProperty,
)
from connect_hierarchy_lambda.resources.group_tags import write_tags_of_before
from connect_hierarchy_lambda.resources.group_task import GroupTask
from connect_hierarchy_lambda.resources.tree_groups import TreeGroups
from connect_hierarchy_lambda.resources.tree_properties import declared_names

logger = logging.getLogger(__name__)

_GROUP_SEGMENT = "/agent-group/"
"""In the ARN of every group."""


def pass_on(task: GroupTask, groups: TreeGroups, group_ids: Iterable[str]) -> set[str]:
    """Give up those of the groups that belong to other resources now; the ids of these.

    They came from there and go back, or passed to there in this update.
    """
    records = task.own_stack.resources_by_physical_id()
    rolls_back = task.rolls_back
    passed_on = set()
    for group_id in group_ids:
        known = groups.get(group_id)
        holders = records.get(known.arn, []) if known else []
        # whoever knows that the group is the tree's, knows this tag as well: one call wrote both
        came_from_tree = known is not None and rolls_back and FORMER_TAG in known.tags
        if not holders and not came_from_tree:
            continue
        group = groups.look_at(group_id)
        if group is None:
            passed_on.add(group_id)
            continue
        owner = _other_owner(task, group, holders, rolls_back=rolls_back)
        if owner is not None:
            if rolls_back:
                write_tags_of_before(task, group, group.tags)
            _hand_over(task, group, owner)
            groups.forget(group_id)
            passed_on.add(group_id)
    return passed_on


def names_elsewhere(task: GroupTask) -> frozenset[str]:
    """The names of groups that other resources of the stack may take over in this update.

    By the template, which may be the one from before the update: then they are none, or too many.
    A single resource that has a group already takes none over.
    """
    records = task.own_stack.resources_by_physical_id()
    settled = {
        logical_id
        for physical_id, logical_ids in records.items()
        if _GROUP_SEGMENT in physical_id
        for logical_id in logical_ids
    }
    names: set[str] = set()
    for logical_id, declaration in task.own_stack.declarations().items():
        properties = declaration.get("Properties", {})
        if declaration.get("Type") == ResourceType.GROUP and logical_id not in settled:
            names |= {str(properties.get(GroupProperty.NAME))}
        elif declaration.get("Type") == ResourceType.TREE and logical_id != task.request.logical_id:
            names |= set(declared_names(properties.get(TreeProperty.GROUPS)).values())
    return frozenset(names)


def give_back(task: GroupTask, group: Group) -> bool:
    """Give a group back to whom it was taken from; False where it was not.

    That is a tree, or a resource that had left it behind.
    """
    owner = _owner_before(task, group)
    if owner is None:
        return False
    logger.info("the group goes back to who had it", extra={"group": group.arn})
    write_tags_of_before(task, group, group.tags)
    task.hierarchy.tag_group(group.arn, owner)
    task.hierarchy.untag_group(group.arn, [FORMER_TAG])
    return True


def former_tag(group: Group, owner: Owner) -> str:
    """What the tag says of a group that is taken from a tree, or was left behind.

    Where a tree has given it up already, its clean-up finds by this what is below it.
    """
    of_tree = [group.tags[key] for key in (KEY_TAG, RETIRED_TAG) if key in group.tags]
    return "/".join([owner.resource, *of_tree])


def _other_owner(
    task: GroupTask, group: Group, holders: list[str], *, rolls_back: bool
) -> dict[str, str] | None:
    """The tags of the owner that the group passes to, None where there is none."""
    if holders:
        adopted = group.owner is not None and group.owner.adopted
        return replace(task.owner, resource=holders[0], adopted=adopted).tags()
    return _owner_before(task, group) if rolls_back else None


def _owner_before(task: GroupTask, group: Group) -> dict[str, str] | None:
    former = group.tags.get(FORMER_TAG)
    if former is None:
        return None
    resource, *of_tree = former.split("/")
    adopted = group.owner is not None and group.owner.adopted
    owner = Owner(task.owner.stack, resource, task.owner.request, adopted=adopted)
    tags = owner.tags() | ({KEY_TAG: of_tree[0]} if of_tree else {})
    # what the update itself had given up is the tree's again by now
    return tags | ({RETIRED_TAG: LEFT} if LEFT in of_tree[1:] else {})


def _hand_over(task: GroupTask, group: Group, owner: dict[str, str]) -> None:
    logger.info("the group stays with another resource", extra={"group": group.arn})
    gone = [key for key in (KEY_TAG, RETIRED_TAG, FORMER_TAG) if key not in owner]
    task.hierarchy.untag_group(group.arn, gone)
    task.hierarchy.tag_group(group.arn, owner)
