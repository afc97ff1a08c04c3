"""An instance as the data of pictures."""

from __future__ import annotations

from datetime import UTC, datetime

from connect_hierarchy_cli.chart.hierarchy import Group as ChartGroup
from connect_hierarchy_cli.chart.hierarchy import Hierarchy
from connect_hierarchy_cli.chart.hierarchy import Owner as ChartOwner
from connect_hierarchy_cli.exporting import user_tags
from connect_hierarchy_cli.world import World
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.ownership import Owner


def chart_of(world: World, now: float) -> Hierarchy:
    """The hierarchy of an instance for pictures.

    Args:
        world: The instance.
        now: When it was read, in seconds since 1970.
    """
    return Hierarchy(
        instance_arn=world.instance.arn,
        instance_alias=world.instance.alias,
        levels=world.levels,
        groups=tuple(_group(world, group) for group in world.groups),
        agents_without_group=tuple(agent.username for agent in world.agents.get(None, ())),
        read_at=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _group(world: World, group: Group) -> ChartGroup:
    owner = Owner.of(group.tags)
    return ChartGroup(
        id=group.id,
        name=group.name,
        level=len(group.path),
        parent_id=group.parent_id,
        tags=user_tags(group),
        owner=None if owner is None else ChartOwner(owner.stack_name, owner.resource),
        agents=tuple(agent.username for agent in world.agents.get(group.id, ())),
    )
