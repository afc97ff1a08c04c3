"""A plan as a picture: the hierarchy with a mark on each group that changes."""

from __future__ import annotations

from connect_hierarchy_cli.chart import hierarchy as chart
from connect_hierarchy_cli.plan import wording
from connect_hierarchy_cli.plan.result import Change, GroupPlan, InstancePlan, Plan, joined

_MARKS = {
    Change.ADDED: chart.Change.ADDED,
    Change.RENAMED: chart.Change.RENAMED,
    Change.MOVED: chart.Change.MOVED,
    Change.REPLACED: chart.Change.REPLACED,
    Change.REMOVED: chart.Change.REMOVED,
    Change.ADOPTED: chart.Change.ADOPTED,
    Change.FOUND: chart.Change.ADOPTED,
    Change.RELEASED: chart.Change.REMOVED,
}
"""The marks of pictures for changes of a plan; other changes have no mark."""


def as_picture(plan: Plan, instance: InstancePlan) -> chart.Hierarchy:
    """The groups of one instance of a plan, with their marks."""
    return chart.Hierarchy(
        instance_arn=instance.arn,
        instance_alias=instance.alias,
        levels=instance.levels or instance.levels_before,
        groups=tuple(_group(plan, group) for group in instance.groups),
    )


def _group(plan: Plan, group: GroupPlan) -> chart.Group:
    return chart.Group(
        id=group.id,
        name=group.name,
        level=group.level,
        parent_id=group.parent_id,
        owner=chart.Owner(plan.stack, group.resource) if group.resource else None,
        marks=tuple(_mark(group, change) for change in group.changes if change in _MARKS),
    )


def _mark(group: GroupPlan, change: Change) -> chart.Mark:
    note = wording.agents_of(group)
    match change:
        case Change.RENAMED:
            return chart.Mark(_MARKS[change], before=group.was[-1])
        case Change.MOVED:
            note = f"{wording.counted(group.agents, 'agent')} with it" if group.agents else ""
            return chart.Mark(_MARKS[change], before=joined(group.was), note=note)
        case Change.RELEASED:
            return chart.Mark(_MARKS[change], note="it stays in Amazon Connect")
    return chart.Mark(_MARKS[change], note=note)
