"""An instance as a tree file, which changes nothing if it is deployed with `adopt_existing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_hierarchy_cli.world import World
from connect_hierarchy_lambda.model.groups import Group
from connect_hierarchy_lambda.model.names import composed
from connect_hierarchy_lambda.model.ownership import KEY_TAG, Owner
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from connect_hierarchy_lambda.model.tree import SEPARATOR, examine_tree, key_mark, located_error

_AWS_PREFIX = "aws:"


@dataclass(frozen=True)
class LeftOut:
    """A tag that a tree file cannot give to one group alone."""

    path: str
    tag: str
    lacking: int
    """The number of groups below that do not have this tag."""


@dataclass(frozen=True)
class Export:
    """The groups of an instance as tree files have them."""

    groups: Sequence[Mapping[str, Any]]
    left_out: Sequence[LeftOut] = ()
    unknown_keys: Sequence[str] = ()
    """Paths of groups whose tree knows them by another key, which only its file has."""

    owners: Mapping[str, int] = field(default_factory=dict)
    """The number of groups that each stack owns; other stacks do not adopt them."""

    problems: Sequence[str] = ()
    """Problems that no tree can have, such as a name that begins with a blank."""


def export_of(world: World, *, inherit_tags: bool = False) -> Export:
    """The groups of an instance, with keys and with the tags of their users.

    A key is the group's path, so that a group can be renamed in the file and stays the same. In a
    file, all groups below a node have its tags, too. So a tag that one of these groups lacks is
    left out; it stays on its group in Amazon Connect.

    Args:
        world: The instance.
        inherit_tags: Write such tags, too; a deployment gives them to the groups below.
    """
    return _Exporter(world, inherit_tags=inherit_tags).export()


class _Exporter:
    def __init__(self, world: World, *, inherit_tags: bool) -> None:
        self._world = world
        self._inherit_tags = inherit_tags
        self._keys: dict[str, str] = {}
        self._used: set[str] = set()
        self._left_out: list[LeftOut] = []
        self._unknown_keys: list[str] = []
        # for each group, in how many groups at or below it a tag occurs, by the tag's key
        self._having: dict[str, dict[str, int]] = {}
        self._sizes: dict[str, int] = {}

    def export(self) -> Export:
        """Everything."""
        self._count()
        groups = [self._exported(group, None, {}) for group in self._world.children.get(None, ())]
        owners: dict[str, int] = {}
        for group in self._world.groups:
            owner = Owner.of(group.tags)
            if owner is not None:
                owners[owner.stack_name] = owners.get(owner.stack_name, 0) + 1
        problems = examine_tree(groups).problems
        return Export(
            groups,
            self._left_out,
            self._unknown_keys,
            owners,
            [str(located_error("", one.path, one.why)) for one in problems],
        )

    def _count(self) -> None:
        for group in reversed(self._world.groups):
            size, having = 1, dict.fromkeys(user_tags(group), 1)
            for child in self._world.children.get(group.id, ()):
                size += self._sizes[child.id]
                for tag, number in self._having[child.id].items():
                    having[tag] = having.get(tag, 0) + number
            self._sizes[group.id], self._having[group.id] = size, having

    def _exported(
        self, group: Group, above: Group | None, inherited: Mapping[str, str]
    ) -> dict[str, Any]:
        tags = self._own_tags(group, inherited)
        written: dict[str, Any] = {"name": group.name, "key": self._key(group, above)}
        if tags:
            written["tags"] = tags
        children = self._world.children.get(group.id, ())
        if children:
            all_tags = {**inherited, **tags}
            written["children"] = [self._exported(child, group, all_tags) for child in children]
        return written

    def _own_tags(self, group: Group, inherited: Mapping[str, str]) -> dict[str, str]:
        own: dict[str, str] = {}
        for tag, value in user_tags(group).items():
            if inherited.get(tag) == value:
                continue
            lacking = self._sizes[group.id] - self._having[group.id][tag]
            if lacking and not self._inherit_tags:
                self._left_out.append(LeftOut(path_of(group), tag, lacking))
            else:
                own[tag] = value
        return own

    def _key(self, group: Group, above: Group | None) -> str:
        parent = "" if above is None else f"{self._keys[above.id]}{SEPARATOR}"
        key = composed(f"{parent}{group.name}")
        mark = group.tags.get(KEY_TAG)
        if mark is not None and mark != key_mark(key):
            by_path = composed(path_of(group))
            if mark == key_mark(by_path):
                key = by_path
            else:
                self._unknown_keys.append(path_of(group))
        number, wanted = 2, key
        while key in self._used:
            # names can have slashes, so two paths can look the same
            key, number = f"{wanted} ({number})", number + 1
        self._used.add(key)
        self._keys[group.id] = key
        return key


def user_tags(group: Group) -> dict[str, str]:
    """The users' own tags of a group: neither AWS's nor the owner tags."""
    return {
        tag: value
        for tag, value in sorted(group.tags.items())
        if not tag.lower().startswith((_AWS_PREFIX, RESERVED_PREFIX))
    }


def path_of(group: Group) -> str:
    """The names from level one down, joined with slashes."""
    return SEPARATOR.join(name for _, name in group.path)
