"""Checks on the place of a group: its level, and the policies that it allows."""

from __future__ import annotations

from collections.abc import Sequence

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.limits import MAX_LEVELS
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.properties import AgentsOnDelete


def check_level(level: int, levels: Sequence[str] | None, what: str) -> None:
    """Raise InvalidHierarchyError if the structure has no such level."""
    if not 1 <= level <= MAX_LEVELS:
        msg = (
            f"{what} is at level {level}, levels 1 to {MAX_LEVELS} are allowed: "
            "choose a higher parent"
        )
        raise InvalidHierarchyError(msg)
    if levels is not None and level > len(levels):
        names = ", ".join(quoted(name) for name in levels)
        msg = (
            f"{what} is at level {level}, the structure has {len(levels)} ({names}): "
            "add a level to the structure, or choose a higher parent"
        )
        raise InvalidHierarchyError(msg)


def checked_agents_on_delete(policy: AgentsOnDelete, *, at_level_one: bool) -> AgentsOnDelete:
    """The policy, also from a text; InvalidHierarchyError if the group cannot have it."""
    if policy not in list(AgentsOnDelete):
        choices = ", ".join(AgentsOnDelete)
        msg = f"agents_on_delete is {quoted(str(policy))}, which is none of {choices}: use one"
        raise InvalidHierarchyError(msg)
    if at_level_one and policy == AgentsOnDelete.MOVE_TO_PARENT:
        msg = (
            "agents_on_delete is MOVE_TO_PARENT, and a group at level one has no parent: "
            "use UNASSIGN or FAIL"
        )
        raise InvalidHierarchyError(msg)
    return AgentsOnDelete(policy)
