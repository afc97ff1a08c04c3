"""Tags of a group that a take-over has overwritten, given back when it is taken back."""

from __future__ import annotations

from collections.abc import Mapping

from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.overwritten import before, noted
from connect_hierarchy_lambda.model.ownership import FOUND_TAG, KEY_TAG, LEFT, RETIRED_TAG
from connect_hierarchy_lambda.resources.group_task import GroupTask


def write_tags_of_before(task: GroupTask, group: Group, tags: Mapping[str, str]) -> None:
    """Give back the tags that the group had before a resource took it over, as `tags` note them."""
    notes = noted(tags)
    if notes:
        written, gone = before(tags)
        task.hierarchy.tag_group(group.arn, written)
        task.hierarchy.untag_group(group.arn, [*gone, *sorted(notes)])


def leave_again(task: GroupTask, group: Group) -> None:
    """Give a group back that a request has found again: it was left behind before."""
    write_tags_of_before(task, group, group.tags)
    if KEY_TAG in group.tags:
        _, _, key = group.tags[FOUND_TAG].partition("/")
        former = {KEY_TAG: key} if key else {}
        task.hierarchy.tag_group(group.arn, {RETIRED_TAG: LEFT, **former})
    task.hierarchy.untag_group(group.arn, [FOUND_TAG])
