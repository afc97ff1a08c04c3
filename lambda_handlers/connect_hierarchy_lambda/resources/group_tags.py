"""Tags of a group that a take-over has overwritten, given back when it is taken back."""

from __future__ import annotations

from collections.abc import Mapping

from connect_hierarchy_lambda.connect.hierarchies import Group
from connect_hierarchy_lambda.model.overwritten import before, noted
from connect_hierarchy_lambda.resources.group_task import GroupTask


def write_tags_of_before(task: GroupTask, group: Group, tags: Mapping[str, str]) -> None:
    """Give back the tags that the group had before a resource took it over, as `tags` note them."""
    notes = noted(tags)
    if notes:
        written, gone = before(tags)
        task.hierarchy.tag_group(group.arn, written)
        task.hierarchy.untag_group(group.arn, [*gone, *sorted(notes)])
