"""The organisation for all measurements, and the changes to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

LEVELS = ("Division", "Region", "Team", "Desk")

_TEAM_SIZE = 20
_DIVISION_SIZE = 60
_REGIONS = 2

BURST = 5
RATE = 2

RAISED_RATE = 20
"""Requests a second of each API, and the burst, in an account with a raised quota."""

QUOTA = 2000
"""Groups that the instance may have; raised, since a move needs both places for a while."""


@dataclass(frozen=True)
class Group:
    """A group as code has it.

    Args:
        key: Its name in the code, which stays when it is renamed or moved.
        name: Its name in Amazon Connect.
        parent: Key of the group above, None at level one.
    """

    key: str
    name: str
    parent: str | None


@dataclass(frozen=True)
class Organisation:
    """Levels, and groups, parents first."""

    levels: tuple[str, ...]
    groups: tuple[Group, ...]

    @cached_property
    def by_key(self) -> Mapping[str, Group]:
        """The groups by their keys."""
        return {group.key: group for group in self.groups}

    def path(self, key: str) -> tuple[str, ...]:
        """Names from level one down to a group."""
        group = self.by_key[key]
        above = () if group.parent is None else self.path(group.parent)
        return (*above, group.name)

    def division(self, key: str) -> str:
        """Key of the group at level one above a group."""
        parent = self.by_key[key].parent
        return key if parent is None else self.division(parent)

    def below(self, key: str) -> tuple[str, ...]:
        """Keys of a group and of all groups below it, parents first."""
        keys = {key}
        for group in self.groups:
            if group.parent in keys:
                keys.add(group.key)
        return tuple(group.key for group in self.groups if group.key in keys)

    def with_group(self, key: str, **changes: str) -> Organisation:
        """The organisation with one changed group; groups below it follow."""
        groups = {**self.by_key, key: replace(self.by_key[key], **changes)}
        return replace(self, groups=tuple(_parents_first(groups)))

    def without(self, key: str) -> Organisation:
        """The organisation without a group and all groups below it."""
        gone = set(self.below(key))
        return replace(self, groups=tuple(g for g in self.groups if g.key not in gone))


@dataclass(frozen=True)
class Work:
    """A change to be measured.

    Args:
        name: For the table.
        before: The organisation before it, None for none.
        after: The wanted organisation.
        agents: How many agents are in which group, by its key; they stay in it.
        writes: The least number of calls for each API.
        rate: Requests a second that the service takes of each API.
        burst: How many it takes at once.
    """

    name: str
    before: Organisation | None
    after: Organisation
    writes: Mapping[str, int]
    agents: Mapping[str, int] = field(default_factory=dict)
    rate: float = RATE
    burst: float = BURST

    @property
    def floor(self) -> float:
        """Seconds that the service's rate requires; each API has its own bucket."""
        return max(
            (max(0, calls - self.burst) / self.rate for calls in self.writes.values()), default=0.0
        )


def organisation(size: int) -> Organisation:
    """Divisions of 60 groups, each with two regions and in each of these a team of 20."""
    groups: list[Group] = []
    while len(groups) < size:
        number = len(groups) // _DIVISION_SIZE + 1
        groups += _division(f"D{number}", min(_DIVISION_SIZE, size - len(groups)))
    return Organisation(LEVELS, tuple(groups))


def largest() -> Work:
    """Create more groups than fit into one stack of single groups, or into one tree."""
    wanted = organisation(QUOTA)
    return Work(f"create {QUOTA} groups in four trees", None, wanted, _creating(wanted))


def faster(large: int = 500) -> Work:
    """The creation of a large organisation in an account whose quota of requests was raised."""
    wanted = organisation(large)
    name = f"create {large} groups at {RAISED_RATE} requests a second"
    calls = _creating(wanted)
    return Work(name, None, wanted, calls, rate=RAISED_RATE, burst=RAISED_RATE)


def works(small: int = 50, large: int = 500) -> list[Work]:
    """The changes, in a small and a large organisation; the large one has two divisions or more.

    Raises:
        ValueError: If there is no second division for a team to move to.
    """
    if large <= _DIVISION_SIZE + _REGIONS:
        msg = f"{large} groups make no two divisions: give more than {_DIVISION_SIZE + _REGIONS}"
        raise ValueError(msg)
    few, many = organisation(small), organisation(large)
    team, target = "D1R1T1", "D2R1"
    moved = many.below(team)
    division = many.below("D1")
    return [
        Work(f"create {small} groups", None, few, _creating(few)),
        Work(f"create {large} groups", None, many, _creating(many)),
        Work(
            f"rename one of {large}",
            many,
            many.with_group("D1R2", name="Renamed"),
            {"UpdateUserHierarchyGroupName": 1},
        ),
        Work(
            f"move a team of {len(moved)} with {5 * len(moved)} agents",
            many,
            many.with_group(team, parent=target),
            {
                "CreateUserHierarchyGroup": len(moved),
                "UpdateUserHierarchy": 5 * len(moved),
                "DeleteUserHierarchyGroup": len(moved),
            },
            agents=dict.fromkeys(moved, 5),
        ),
        Work(
            f"add a level to {large} groups",
            many,
            replace(many, levels=(*many.levels, "Squad")),
            {"UpdateUserHierarchyStructure": 1},
        ),
        Work(
            f"delete a division of {len(division)} of {large}",
            many,
            many.without("D1"),
            {"DeleteUserHierarchyGroup": len(division)},
        ),
        Work(f"no change to {large} groups", many, many, {}),
    ]


def _creating(wanted: Organisation) -> Mapping[str, int]:
    return {"UpdateUserHierarchyStructure": 1, "CreateUserHierarchyGroup": len(wanted.groups)}


def _division(key: str, size: int) -> list[Group]:
    groups = [Group(key, f"Division {key}", None)]
    regions = [Group(f"{key}R{n}", f"Region {n}", key) for n in range(1, _REGIONS + 1)]
    groups += regions[: max(0, size - 1)]
    for region in regions:
        desks = min(_TEAM_SIZE, size - len(groups)) - 1
        if desks >= 0:
            team = Group(f"{region.key}T1", f"Team {region.key}T1", region.key)
            groups += [team, *(Group(f"{team.key}D{n}", f"Desk {n}", team.key) for n in _to(desks))]
    region_key = regions[0].key
    rest = _to(size - len(groups))
    teams = (f"{region_key}T{n + 1}" for n in rest)
    return [*groups, *(Group(key, f"Team {key}", region_key) for key in teams)]


def _to(number: int) -> range:
    return range(1, number + 1)


def _parents_first(groups: Mapping[str, Group]) -> Iterator[Group]:
    depth: dict[str | None, int] = {None: 0}

    def level(key: str | None) -> int:
        if key is not None and key not in depth:
            depth[key] = level(groups[key].parent) + 1
        return depth[key]

    return iter(sorted(groups.values(), key=lambda group: level(group.key)))
