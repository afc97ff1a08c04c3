"""Agents on their way from one group to another."""

from __future__ import annotations

import logging

from connect_hierarchy_lambda.connect.hierarchies import Agent, Group
from connect_hierarchy_lambda.resources.group_task import GroupTask

logger = logging.getLogger(__name__)


def carry_agents(task: GroupTask, source: Group, target_id: str | None) -> None:
    """Move every agent of a group into another, or into none.

    The search may still show agents who have left already, and shows those who join meanwhile; it
    is asked until it shows nobody new.
    """
    hierarchy = task.hierarchy
    moved: set[str] = set()

    def move(agent: Agent) -> None:
        hierarchy.move_agent(agent, target_id)
        moved.add(agent.id)

    while agents := [agent for agent in hierarchy.agents(source.id) if agent.id not in moved]:
        task.lanes.each(agents, move)
    if moved:
        logger.info(
            "moved agents", extra={"count": len(moved), "from": source.arn, "to": target_id}
        )
