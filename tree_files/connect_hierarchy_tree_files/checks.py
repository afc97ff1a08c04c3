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
"""Of an Update, which brings the tree twice; Lambda takes 256 KB of an asynchronous event."""

_ENVELOPE_BYTES = 4096


@dataclass(frozen=True)
class Placement:
    """Where the groups of a tree are to stand."""

    top_level: int | None = 1
    """The level of its topmost groups, None where it is not known."""

    levels: Sequence[str] | None = None
    """The names of the structure's levels, None where they are not known."""

    agents_on_delete: AgentsOnDelete = AgentsOnDelete.FAIL
    """What becomes of the agents in a group that does not say so itself."""


def placed_tree(
    groups: object,
    placement: Placement,
    *,
    line_of: Callable[[Place], str] = lambda _: "",
    is_token: Callable[[str], bool] = lambda _: False,
) -> Tree:
    """A tree of nested mappings and sequences that can stand where it is to.

    Args:
        groups: A sequence of groups.
        placement: Where they are to stand.
        line_of: In which line of which file something stands, empty where that is not known.
        is_token: Whether a text is not known before the deployment.

    Raises:
        InvalidTreeError: For what can not be, with line and path, all of it at once.
    """
    examined = examine_tree(groups, line_of=line_of, is_token=is_token)
    check_no_problems([*examined.problems, *misplaced(examined, placement)], line_of)
    return examined.tree


def misplaced(examined: Examined, placement: Placement) -> Iterator[Problem]:
    """The groups that can not be where they are to stand; of those below each other the topmost."""
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
    """Why a tree is too large for one resource, None if it is not.

    Args:
        tree: The tree.
        properties: Those of its resource, as the template has them.
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
