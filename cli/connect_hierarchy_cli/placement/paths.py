"""Paths of groups in a cell of a file: reading, and writing so that they can be read again.

A path has the names from level one down, joined with `/` or ` / `, as everywhere in this project.
If names have slashes and the joined text would mean another group or several, the cell has a JSON
list of the names: `["24/7", "Night desk"]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.names import quoted, without_outer_blanks
from connect_hierarchy_lambda.model.tree import SEPARATOR, SPACED_SEPARATOR, Node, Tree

GroupPath = str | tuple[str, ...]
"""A path as `Tree.at` takes it: joined, or the names one by one."""

_HINTS = 5
"""How many errors about unknown paths name the nearest ones, since finding these takes time."""

_QUOTED_PATH = 120


def tree_of(groups: Iterable[Group]) -> Tree:
    """The groups of an instance as a tree, whose keys are the ids of the groups."""
    return Tree(
        tuple(
            Node(key=group.id, path=names, parent=group.parent_id)
            for group in groups
            if (names := tuple(name for _, name in group.path))
        )
    )


def path_in(cell: str) -> GroupPath:
    """The path in a cell that is not empty."""
    if cell.startswith("["):
        try:
            names = json.loads(cell)
        except json.JSONDecodeError:
            return cell
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return tuple(names)
    return cell


class Paths:
    """The paths of an instance's groups, both ways."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._tree = tree_of(groups)
        self._by_id = {node.key: node for node in self._tree.nodes}
        self._known: dict[str, str | InvalidHierarchyError] = {}
        self._hints = _HINTS

    def group_id(self, cell: str) -> str:
        """The id of the group whose path a cell has.

        Raises:
            InvalidHierarchyError: If there is no such group, or more than one.
        """
        if cell not in self._known:
            self._known[cell] = self._looked_up(cell)
        found = self._known[cell]
        if isinstance(found, InvalidHierarchyError):
            raise found
        return found

    def _looked_up(self, cell: str) -> str | InvalidHierarchyError:
        path, shown = path_in(cell), quoted(cell, _QUOTED_PATH)
        found = self._tree.find(path)
        if len(found) == 1:
            return found[0].key
        if found:
            lists = " or ".join(_as_list(names) for names in sorted(node.path for node in found))
            return InvalidHierarchyError(
                f"path {shown} fits {len(found)} hierarchy groups, since names have slashes: "
                f"write {lists}"
            )
        if self._hints:
            self._hints -= 1
            try:
                self._tree.at(path)
            except InvalidHierarchyError as error:
                return error
        return InvalidHierarchyError(f"the tree has no hierarchy group {shown}")

    def shown(self, group_id: str | None) -> str:
        """The path of a group for people, ` / ` between the names; empty for no group."""
        node = self._by_id.get(group_id or "")
        if node is None:
            return group_id or ""
        return SPACED_SEPARATOR.join(node.path)

    def cell(self, group_id: str | None) -> str:
        """The path of a group so that `group_id` finds it again; empty for no group."""
        node = self._by_id.get(group_id or "")
        if node is None:
            return ""
        for text in _written(node.path):
            is_read_alike = text == without_outer_blanks(text)
            if is_read_alike and self._tree.find(path_in(text)) == [node]:
                return text
        return _as_list(node.path)


def _written(names: Sequence[str]) -> Iterator[str]:
    yield SEPARATOR.join(names)
    yield SPACED_SEPARATOR.join(names)


def _as_list(names: Sequence[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)
