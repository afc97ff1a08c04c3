"""The data of a picture: the hierarchy of an instance, and the changes of a plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Change(StrEnum):
    """What a deployment does to a group."""

    ADDED = "added"
    RENAMED = "renamed"
    MOVED = "moved"
    REMOVED = "removed"
    REPLACED = "replaced"
    """Removed here and created elsewhere, without its agents and its history."""
    ADOPTED = "adopted"


@dataclass(frozen=True)
class Mark:
    """One change of a group, as a plan shows it."""

    change: Change
    before: str = ""
    """The name before a rename, the path before a move; empty for other changes."""
    note: str = ""
    """Anything else, as a short phrase: `12 agents move to Support`."""

    @property
    def text(self) -> str:
        """The change in words: `renamed from APAC`, `removed, 12 agents move to Support`."""
        what = f"{self.change} from {self.before}" if self.before else str(self.change)
        return f"{what}, {self.note}" if self.note else what


@dataclass(frozen=True)
class Owner:
    """The stack that owns a group, and its resource there."""

    stack: str
    """The name of the stack."""
    resource: str
    """The logical id of the group or tree in the stack's template."""


@dataclass(frozen=True)
class Group:
    """One group of a picture."""

    id: str
    """Its id in Amazon Connect; for a group that a plan adds, any unique text."""
    name: str
    level: int
    """Its level, from 1."""
    parent_id: str | None = None
    """The id of the group above, None at level one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The tags of its users, without those that say who owns it."""
    owner: Owner | None = None
    """None if no stack of this library owns it."""
    agents: tuple[str, ...] = ()
    """The user names of the agents that are directly in it."""
    marks: tuple[Mark, ...] = ()
    """The changes in a plan, empty outside of a plan."""


@dataclass(frozen=True)
class Hierarchy:
    """The levels and groups of an instance.

    Raises:
        ValueError: If two groups have the same id, or a group is not below the level of its parent.
    """

    instance_arn: str
    instance_alias: str = ""
    """The alias of the instance, empty if it has none or it is not known."""
    levels: tuple[str, ...] = ()
    """The names of the levels, from level one down; empty for a gap."""
    groups: tuple[Group, ...] = ()
    """In any order. A group whose parent is not among them is shown at the top."""
    agents_without_group: tuple[str, ...] = ()
    """The user names of the agents that are in no group."""
    read_at: str = ""
    """When this was read, such as `2026-11-27 09:40 UTC`; empty if it is not to be shown."""

    def __post_init__(self) -> None:
        if len(self.by_id) < len(self.groups):
            raise ValueError(f"{len(self.groups)} groups have {len(self.by_id)} different ids")
        for group in self.groups:
            parent = self.parent_of(group)
            if parent and parent.level >= group.level:
                raise ValueError(
                    f"group {group.id} is at level {group.level}, "
                    f"its parent {parent.id} at level {parent.level}: parents stand higher"
                )

    @property
    def title(self) -> str:
        """The alias of the instance, or its id."""
        return self.instance_alias or self.instance_arn.rpartition("/")[2]

    @property
    def level_names(self) -> tuple[str, ...]:
        """The names of all levels; `Level 2` for a level with groups and without a name."""
        deepest = max((group.level for group in self.groups), default=0)
        known = [*self.levels, *("" for _ in range(len(self.levels), deepest))]
        return tuple(name or f"Level {number}" for number, name in enumerate(known, start=1))

    @cached_property
    def by_id(self) -> Mapping[str, Group]:
        """All groups by id."""
        return {group.id: group for group in self.groups}

    @cached_property
    def children(self) -> Mapping[str | None, tuple[Group, ...]]:
        """The groups below each id, by name; those at the top below None."""
        found: dict[str | None, list[Group]] = {}
        for group in self.groups:
            parent = self.parent_of(group)
            found.setdefault(parent.id if parent else None, []).append(group)
        return {
            parent: tuple(sorted(groups, key=lambda group: (_in_order(group.name), group.id)))
            for parent, groups in found.items()
        }

    def parent_of(self, group: Group) -> Group | None:
        """The group above, None at the top."""
        return None if group.parent_id is None else self.by_id.get(group.parent_id)

    def in_order(self) -> Iterator[Group]:
        """All groups, each followed by those below it."""
        waiting = list(reversed(self.children.get(None, ())))
        while waiting:
            group = waiting.pop()
            yield group
            waiting += reversed(self.children.get(group.id, ()))

    @cached_property
    def agents_below(self) -> Mapping[str, int]:
        """How many agents are in each group and in all groups below it, by id."""
        counts = {group.id: len(group.agents) for group in self.groups}
        for group in reversed(list(self.in_order())):
            if parent := self.parent_of(group):
                counts[parent.id] += counts[group.id]
        return counts

    @property
    def agent_count(self) -> int:
        """How many agents there are, those in no group included."""
        return sum(len(group.agents) for group in self.groups) + len(self.agents_without_group)

    @property
    def groups_by_change(self) -> Mapping[Change, tuple[Group, ...]]:
        """The groups of each change that there is, in the order of `Change`."""
        found = {
            change: tuple(
                group for group in self.groups if any(mark.change is change for mark in group.marks)
            )
            for change in Change
        }
        return {change: groups for change, groups in found.items() if groups}

    @property
    def has_marks(self) -> bool:
        """Whether this shows a plan that changes something."""
        return any(group.marks for group in self.groups)


def _in_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """The sort key of a name: without case, and `Team 2` before `Team 10`."""
    parts = re.findall("([0-9]+)|([^0-9]+)", name.casefold())
    return tuple((0, int(digits), "") if digits else (1, 0, text) for digits, text in parts)
