"""Agents in groups of a tree that are to go: whether they keep that from happening."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connect_hierarchy_lambda.connect.hierarchies import Group, Hierarchy
from connect_hierarchy_lambda.model.messages import HierarchyError, listed
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import AgentsOnDelete


def check_agents(
    hierarchy: Hierarchy,
    going: Iterable[Group],
    policy_of: Callable[[Group], AgentsOnDelete],
    doing: str,
) -> None:
    """Refuse, before anything is written, what agents would be in the way of at last.

    What was adopted is released and not deleted, so they can stay there. HierarchyError for agents
    in a group that keeps them; `doing` begins its message.
    """
    by_id = {group.id: group for group in going if not _stays(group)}
    topmost = [group.id for group in by_id.values() if group.parent_id not in by_id]
    held = [
        agent
        for agent in hierarchy.agents_below(topmost)
        if agent.group_id in by_id
        and _policy_in_effect(by_id[agent.group_id], by_id, policy_of) == AgentsOnDelete.FAIL
    ]
    if held:
        names = listed([quoted(agent.username) for agent in held])
        groups = listed(
            list(dict.fromkeys(quoted(by_id[str(agent.group_id)].name) for agent in held))
        )
        raise HierarchyError(
            doing,
            f"{len(held)} agent(s) are in {groups}: {names}",
            "move them, or set agents_on_delete and deploy, then remove it",
        )


def _stays(group: Group) -> bool:
    return group.owner is not None and group.owner.adopted


def _policy_in_effect(
    group: Group, going: dict[str, Group], policy_of: Callable[[Group], AgentsOnDelete]
) -> AgentsOnDelete:
    """What becomes of its agents in the end, who may move up to a parent that goes as well."""
    policy = policy_of(group)
    while policy == AgentsOnDelete.MOVE_TO_PARENT and group.parent_id in going:
        group = going[group.parent_id]
        policy = policy_of(group)
    return policy
