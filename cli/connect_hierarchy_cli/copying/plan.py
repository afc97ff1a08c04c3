"""From two instances to what is to be created in the second, and everything that prevents it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.model.names import composed, quoted
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from connect_hierarchy_lambda.model.tree import SPACED_SEPARATOR

Names = tuple[str, ...]

_NOT_COPIED = (RESERVED_PREFIX, "aws:")
"""Tags that name the creator of a group, who has not created the one in the other instance."""

_QUOTED_PATH = 120


@dataclass(frozen=True)
class Instance:
    """The content of one of the two instances."""

    arn: str
    levels: Names = ()
    """The level names, level one first; empty for a gap."""

    groups: tuple[Group, ...] = ()
    agents: Mapping[str, Agent] = field(default_factory=dict)
    """By user name; empty if agents are not copied."""


@dataclass(frozen=True)
class NewGroup:
    """A group that is to be created."""

    path: Names
    """Names from level one down to the group itself."""

    tags: Mapping[str, str]


@dataclass(frozen=True)
class NewPlace:
    """An agent of the second instance that is to be in another group."""

    agent: Agent
    path: Names


@dataclass(frozen=True)
class CopyPlan:
    """The changes in the second instance."""

    levels_before: Names
    levels: Names
    groups: tuple[NewGroup, ...]
    """Parents first."""

    kept: tuple[Names, ...]
    """Paths of groups that exist already."""

    differences: tuple[str, ...]
    """Differences that stay in the second instance, a sentence each."""

    agents: tuple[NewPlace, ...] = ()
    in_place: int = 0
    """How many agents are in the right group already."""

    missing_agents: tuple[str, ...] = ()
    """User names that only the first instance has."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.levels == self.levels_before and not self.groups and not self.agents


class CopyRefusedError(Exception):
    """A copy that is not possible; `problems` has all reasons."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def plan_copy(
    source: Instance, target: Instance, *, group_quota: int, keep_levels: bool = False
) -> CopyPlan:
    """The plan that brings the levels and groups of one instance into another.

    Args:
        source: The instance to copy.
        target: The instance to change. Groups that only it has stay as they are.
        group_quota: How many groups the target may have.
        keep_levels: Copy groups even if levels of the target have other names.

    Raises:
        CopyRefusedError: With everything that prevents the copy: levels with other names, the
            quota.
    """
    there = {key_of(names_of(group)): group for group in target.groups}
    ordered = sorted(source.groups, key=lambda group: (len(group.path), names_of(group)))
    new = [group for group in ordered if key_of(names_of(group)) not in there]
    kept = [group for group in ordered if key_of(names_of(group)) in there]
    levels = _levels(source.levels, target.levels)
    differing = list(_differing_levels(source.levels, target.levels))
    problems = [
        *_alike(ordered),
        *([] if keep_levels else differing),
        *_impossible_levels(source, target.levels, levels),
        *_over_quota(target, new, group_quota),
    ]
    if problems:
        raise CopyRefusedError(problems)
    places, in_place, missing = _places(source, target)
    return CopyPlan(
        levels_before=target.levels,
        levels=levels,
        groups=tuple(NewGroup(names_of(group), copied_tags(group)) for group in new),
        kept=tuple(names_of(group) for group in kept),
        differences=(
            *differing,
            *_differing_tags((group, there[key_of(names_of(group))]) for group in kept),
        ),
        agents=places,
        in_place=in_place,
        missing_agents=missing,
    )


def names_of(group: Group) -> Names:
    """The names from level one down to the group itself."""
    return tuple(name for _, name in group.path)


def key_of(path: Names) -> Names:
    """A path for comparisons: its accents are composed."""
    return tuple(map(composed, path))


def copied_tags(group: Group) -> dict[str, str]:
    """The tags of a group without those that name its creator."""
    return {
        key: value for key, value in group.tags.items() if not key.lower().startswith(_NOT_COPIED)
    }


def _shown(path: Names) -> str:
    return quoted(SPACED_SEPARATOR.join(path), _QUOTED_PATH)


def _levels(source: Names, target: Names) -> Names:
    """The target's levels, and below them the further levels of the source."""
    return target + source[len(target) :]


def _differing_levels(source: Names, target: Names) -> Iterator[str]:
    pairs = zip(source, target, strict=False)
    for number, (wanted, there) in enumerate(pairs, start=1):
        if composed(wanted) != composed(there):
            yield (
                f"level {number} is {_level(there)} in the target and {_level(wanted)} in the "
                "source: rename one, or copy with --keep-levels"
            )


def _level(name: str) -> str:
    return quoted(name) if name else "a gap"


def _impossible_levels(source: Instance, before: Names, levels: Names) -> Iterator[str]:
    if not source.levels:
        yield "the source has no hierarchy structure, so there is nothing to copy"
        return
    above = {composed(name): number for number, name in enumerate(before, start=1) if name}
    for number, name in enumerate(levels[len(before) :], start=len(before) + 1):
        if name and composed(name) in above:
            yield (
                f"level {number}, {quoted(name)}, is to be added to the target, which has it as "
                f"level {above[composed(name)]}: rename one of the two"
            )
    deepest = max((len(group.path) for group in source.groups), default=0)
    depth = sum(bool(name) for name in levels)
    if depth < deepest:
        yield (
            f"the source has groups {deepest} levels deep, the target would have {depth} levels: "
            "name its missing levels"
        )


def _alike(groups: Iterable[Group]) -> Iterator[str]:
    seen: dict[Names, Names] = {}
    for group in groups:
        names = names_of(group)
        if seen.setdefault(key_of(names), names) != names:
            yield (
                f"the source has {_shown(names)} twice, with its accents composed in one and "
                "decomposed in the other: rename one"
            )


def _over_quota(target: Instance, new: Sequence[Group], group_quota: int) -> Iterator[str]:
    groups = len(target.groups) + len(new)
    if new and groups > group_quota:
        there = "1 group" if len(target.groups) == 1 else f"{len(target.groups)} groups"
        yield (
            f"the target has {there} and would have {groups} with the new ones, its quota is "
            f"{group_quota}: raise quota L-D68AAAE4 of Amazon Connect"
        )


def _differing_tags(pairs: Iterable[tuple[Group, Group]]) -> Iterator[str]:
    for group, there in pairs:
        wanted, found = copied_tags(group), copied_tags(there)
        differing = [
            f"{quoted(key)} is {_tag(found.get(key))}, {_tag(wanted.get(key))} in the source"
            for key in sorted(wanted.keys() | found.keys())
            if wanted.get(key) != found.get(key)
        ]
        if differing:
            yield f"tags of {_shown(names_of(there))} stay: {'; '.join(differing)}"


def _tag(value: str | None) -> str:
    return "missing" if value is None else quoted(value)


def _places(
    source: Instance, target: Instance
) -> tuple[tuple[NewPlace, ...], int, tuple[str, ...]]:
    """Agents that are to move, how many are in place, and user names that the target lacks."""
    paths = {group.id: names_of(group) for group in source.groups}
    there = {group.id: key_of(names_of(group)) for group in target.groups}
    places: list[NewPlace] = []
    missing: list[str] = []
    in_place = 0
    for username, agent in sorted(source.agents.items()):
        path = paths.get(agent.group_id or "")
        if path is None:
            continue
        other = target.agents.get(username)
        if other is None:
            missing.append(username)
        elif there.get(other.group_id or "") == key_of(path):
            in_place += 1
        else:
            places.append(NewPlace(other, path))
    return tuple(places), in_place, tuple(missing)
