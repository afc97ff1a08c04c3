"""Which groups a picture of limited size shows, and which are only counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connect_hierarchy_cli.chart.hierarchy import Group, Hierarchy


@dataclass(frozen=True)
class Family:
    """The groups that are shown below a group, or at the top."""

    shown: tuple[Branch, ...] = ()
    hidden_groups: int = 0
    """How many groups below it are not shown, on any level."""
    hidden_agents: int = 0
    """How many agents are in those."""
    hidden_changes: int = 0
    """How many of those groups have marks."""

    @property
    def rows(self) -> int:
        """How many rows it takes up."""
        rest = 1 if self.shown and self.hidden_groups else 0
        return rest + sum(branch.rows for branch in self.shown)

    @property
    def depth(self) -> int:
        """How many levels it takes up."""
        return max((1 + branch.below.depth for branch in self.shown), default=0)

    @property
    def count(self) -> int:
        """How many groups are shown."""
        return sum(1 + branch.below.count for branch in self.shown)

    def divided(self, most: int) -> list[Family]:
        """The family in parts of about equal numbers of rows; the last part has what it hides.

        Args:
            most: How many parts there may be, at least 1.
        """
        parts: list[list[Branch]] = [[]]
        share, used = self.rows / most, 0
        for branch in self.shown:
            # A branch is in the part that has the middle of it.
            if parts[-1] and used + branch.rows / 2 > share * len(parts):
                parts.append([])
            parts[-1].append(branch)
            used += branch.rows
        return [
            *(Family(tuple(part)) for part in parts[:-1]),
            replace(self, shown=tuple(parts[-1])),
        ]


@dataclass(frozen=True)
class Branch:
    """A group that is shown, and what is shown below it."""

    group: Group
    below: Family

    @property
    def rows(self) -> int:
        """How many rows it takes up."""
        return max(1, self.below.rows)


def fold(hierarchy: Hierarchy, most_rows: int) -> Family:
    """The groups to show in this many rows.

    A group takes a row, unless groups below it are shown: the first of them stands beside it. What
    a family hides takes one more row where some of the family is shown. Groups with marks come
    first, with the groups above them; after that whole levels, from the top. If not even level one
    fits, it is cut.

    Args:
        hierarchy: All groups.
        most_rows: How many rows there may be, at least 2.
    """
    folding = _Folding(hierarchy, most_rows)
    for group in hierarchy.in_order():
        if group.marks:
            folding.show_if_it_fits(folding.way_to(group))
    whole = True
    parents: Sequence[Group | None] = [None]
    while whole and parents:
        families = [hierarchy.children.get(parent.id if parent else None, ()) for parent in parents]
        level = [group for family in families for group in family]
        whole = folding.show_if_it_fits(level)
        parents = level
    for group in hierarchy.children.get(None, ()):
        folding.show_if_it_fits([group])
    folding.show_what_costs_no_row()
    return folding.family(None)


class _Folding:
    """A picture that grows group by group, with its number of rows."""

    def __init__(self, hierarchy: Hierarchy, most_rows: int) -> None:
        self._hierarchy = hierarchy
        self._most_rows = most_rows
        self._shown: set[str] = set()
        self._shown_below: dict[str | None, int] = {}
        self._rows = 1

    def way_to(self, group: Group) -> list[Group]:
        """The group and all above it, from the top down."""
        way = [group]
        while parent := self._hierarchy.parent_of(way[0]):
            way.insert(0, parent)
        return way

    def show_if_it_fits(self, groups: Sequence[Group]) -> bool:
        """Show these groups, or none of them if there are too few rows.

        What is shown above each of them must be shown already, or come before it.
        """
        added = [group for group in groups if group.id not in self._shown]
        rows = self._rows
        below = dict(self._shown_below)
        for group in added:
            above = self._above(group)
            count = below.get(above, 0)
            family = len(self._hierarchy.children[above])
            # The first is in the row of the group above; the rest of the family takes one row,
            # which goes with its last.
            rows += (count > 0) - (0 < count == family - 1) + (count == 0 and family > 1)
            below[above] = count + 1
            if rows > self._most_rows:
                return False
        self._rows, self._shown_below = rows, below
        self._shown.update(group.id for group in added)
        return True

    def show_what_costs_no_row(self) -> None:
        """Show the last group of a family in the row that would count it."""
        for family in self._hierarchy.children.values():
            hidden = [group for group in family if group.id not in self._shown]
            if len(hidden) == 1 < len(family):
                self.show_if_it_fits(hidden)

    def _above(self, group: Group) -> str | None:
        parent = self._hierarchy.parent_of(group)
        return parent.id if parent else None

    def family(self, above: str | None) -> Family:
        """The groups that are shown below a group, with counts of the others."""
        groups = self._hierarchy.children.get(above, ())
        hidden = [group for group in groups if group.id not in self._shown]
        shown = tuple(
            Branch(group, self.family(group.id)) for group in groups if group.id in self._shown
        )
        all_hidden = list(hidden)
        for group in all_hidden:
            all_hidden += self._hierarchy.children.get(group.id, ())
        return Family(
            shown=shown,
            hidden_groups=len(all_hidden),
            hidden_agents=sum(self._hierarchy.agents_below[group.id] for group in hidden),
            hidden_changes=sum(bool(group.marks) for group in all_hidden),
        )
