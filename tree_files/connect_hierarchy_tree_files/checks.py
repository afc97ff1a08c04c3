"""Checks of a whole tree before it is deployed: at synth, and of a file alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.names import quoted
from connect_hierarchy_lambda.model.placement import check_level, checked_agents_on_delete
from connect_hierarchy_lambda.model.properties import AgentsOnDelete
from connect_hierarchy_lambda.model.tree import (
    Examined,
    Place,
    Problem,
    Tree,
    check_no_problems,
    examine_tree,
)

MAX_EVENT_BYTES = 200 * 1024
"""The limit for an Update, which has the tree twice; Lambda takes events of 256 KB."""

_ENVELOPE_BYTES = 4096


@dataclass(frozen=True)
class Placement:
    """The place of the groups of a tree."""

    top_level: int | None = 1
    """The level of its topmost groups, None if it is not known."""

    levels: Sequence[str] | None = None
    """The names of the structure's levels, None if they are not known."""

    agents_on_delete: AgentsOnDelete = AgentsOnDelete.FAIL
    """The policy for agents in groups without a policy of their own."""


def placed_tree(
    groups: object,
    placement: Placement,
    *,
    line_of: Callable[[Place], str] = lambda _: "",
    is_token: Callable[[str], bool] = lambda _: False,
) -> Tree:
    """Read a tree of nested mappings and sequences, and check that its place allows it.

    Args:
        groups: A sequence of groups.
        placement: The place of the groups.
        line_of: Gives the file and line of a place, empty if it is not known.
        is_token: Says whether a text is not known before the deployment.

    Raises:
        InvalidTreeError: If the tree has problems; the error has all of them, with line and path.
    """
    examined = examine_tree(groups, line_of=line_of, is_token=is_token)
    check_no_problems([*examined.problems, *misplaced(examined, placement)], line_of)
    return examined.tree


def misplaced(examined: Examined, placement: Placement) -> Iterator[Problem]:
    """The groups that their place does not allow; of groups below each other, only the topmost."""
    too_deep: set[str | None] = set()
    for node, place in zip(examined.tree.nodes, examined.places, strict=True):
        top = placement.top_level
        level = None if top is None else top + len(node.path) - 1
        if node.parent in too_deep:
            too_deep.add(node.key)
            continue
        try:
            if level is not None:
                check_level(level, placement.levels, "it")
        except InvalidHierarchyError as error:
            too_deep.add(node.key)
            yield Problem(place, node.path, str(error))
            continue
        try:
            checked_agents_on_delete(
                node.agents_on_delete or placement.agents_on_delete, at_level_one=level == 1
            )
        except InvalidHierarchyError as error:
            own = node.agents_on_delete is not None
            yield Problem((*place, "agents_on_delete") if own else place, node.path, str(error))


def too_large(tree: Tree, properties: Mapping[str, object]) -> str | None:
    """Why a tree is too large for one resource, or None.

    Args:
        tree: The tree.
        properties: The properties of its resource in the template.
    """
    rendered = json.dumps(properties, separators=(",", ":"))
    size = 2 * len(rendered.encode()) + _ENVELOPE_BYTES
    if size <= MAX_EVENT_BYTES:
        return None
    return (
        f"the tree of {len(tree.nodes)} groups makes an event of {size // 1024} KB when "
        f"it is updated, at most {MAX_EVENT_BYTES // 1024} are allowed: split it, for example "
        f"keep {quoted(tree.nodes[0].name)} here and hang its groups on it as a tree of "
        "their own, with parent=tree.group(...)"
    )
