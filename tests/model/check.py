"""Explores every deployment within some bounds, and says what was seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from tests.model.book import Book
from tests.model.explore import Disturbances, Explorer, Finding, Result, begin
from tests.model.operations import Group, Groups, Operation, operations, single, starts, tree
from tests.model.service import STRANGER_TAG, World
from tests.model.stack import Course, Stack, Template

_STRANGE = {STRANGER_TAG: "somebody", "t": "theirs"}

KINDS: dict[str, Callable[[Groups], Template]] = {"single": single, "tree": tree}


@dataclass(frozen=True)
class Bounds:
    """How far the check goes."""

    kind: str
    """`single` for a resource a group, `tree` for one tree of all."""

    is_name_unique: bool
    most_groups: int
    disturbances: Disturbances
    family: str = "changes"
    """Which changes; see `operations.FAMILIES`."""

    has_dates: bool = True
    reverses_replacements: bool = True
    """Both as `stack.Course` says."""

    @property
    def name(self) -> str:
        """The bounds in words."""
        scope = "instance" if self.is_name_unique else "siblings"
        how = ["", ", no dates"][not self.has_dates]
        how += ["", ", replacements taken back by a Delete alone"][not self.reverses_replacements]
        return f"{self.kind}, names once in {scope}, {self.family}{how}"


@dataclass
class Summary:
    """What a check came to."""

    deployments: int = 0
    states: int = 0
    transitions: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, where: str, result: Result) -> None:
        """Add what the exploration of a deployment came to."""
        self.deployments += 1
        self.states += result.states
        self.transitions += result.transitions
        for finding in result.findings:
            self.findings.append(Finding(finding.why, [where, *finding.trace]))

    def merged(self, other: Summary) -> Summary:
        """Both together."""
        return Summary(
            self.deployments + other.deployments,
            self.states + other.states,
            self.transitions + other.transitions,
            [*self.findings, *other.findings],
        )

    def __str__(self) -> str:
        return (
            f"{self.deployments:,} deployments, {self.states:,} states, "
            f"{self.transitions:,} transitions"
        )


def check(bounds: Bounds) -> Summary:
    """Explore every deployment within the bounds."""
    summary = Summary()
    for operation in every_operation(bounds):
        shape = ", ".join(f"{k}: {g.parent}/{g.name}" for k, g in operation.old.items())
        where = f"{bounds.name}: {shape or 'nothing'} deployed, {operation.name}"
        if operation.strangers:
            where += f", a stranger's {', '.join(_told(g) for g in operation.strangers.values())}"
        summary.add(where, explore(bounds, operation))
    return summary


def _told(group: Group) -> str:
    return f"{group.parent}/{group.name}"


def every_operation(bounds: Bounds) -> Iterator[Operation]:
    """The deployments within the bounds."""
    unique = bounds.is_name_unique
    for groups in starts(bounds.most_groups, is_name_unique=unique):
        yield from operations(groups, bounds.family, is_name_unique=unique)


def explore(bounds: Bounds, operation: Operation) -> Result:
    """Explore one deployment."""
    template_of = KINDS[bounds.kind]
    world, book, stack = deployed(bounds, operation)
    course = Course(
        template_of(operation.old),
        template_of(operation.new),
        is_creation=not operation.old,
        is_deletion=operation.is_deletion,
        has_dates=bounds.has_dates,
        reverses_replacements=bounds.reverses_replacements,
    )
    start = begin(course, world, book, stack, bounds.disturbances.number)
    explorer = Explorer(
        course,
        start,
        bounds.disturbances,
        may_fail=operation.may_fail,
        must_fail=operation.must_fail,
        may_leave=operation.may_leave,
    )
    return explorer.explore()


def deployed(bounds: Bounds, operation: Operation) -> tuple[World, Book, Stack]:
    """What is there once the old groups were deployed, long ago, with an agent in each."""
    old, strangers = tuple(operation.old.items()), tuple(operation.strangers.items())
    return _deployed(bounds.kind, old, strangers, is_name_unique=bounds.is_name_unique)


@lru_cache(maxsize=64)
def _deployed(
    kind: str,
    old: tuple[tuple[str, Group], ...],
    strangers: tuple[tuple[str, Group], ...],
    *,
    is_name_unique: bool,
) -> tuple[World, Book, Stack]:
    world, book, stack = World(is_name_unique=is_name_unique), Book(), Stack()
    groups = dict(old)
    for _, group in strangers:
        if not group.parent:
            world = world.with_desk(group.name, None, _STRANGE)
    if groups:
        course = Course(Template(), KINDS[kind](groups), is_creation=True)
        start = begin(course, world, book, stack, 0)
        result = Explorer(course, start, Disturbances(0)).explore()
        if result.findings:
            raise AssertionError(str(result.findings[0]))
        end = next(end for end in result.ends if not end.stack.forward)
        world, book, stack = end.world, end.book.later(), end.stack
    for _, group in strangers:
        if group.parent:
            name = groups[group.parent].name
            above = next(d.id for d in world.desks if d.parent_id is None and d.name == name)
            world = world.with_desk(group.name, above, _STRANGE)
    for number, desk in enumerate(world.desks, start=1):
        world = world.with_agent_in(f"agent{number}", desk.id)
    return world, book, stack


def kind_of(finding: Finding) -> str:
    """What a finding is about, without the names of its history."""
    return re.sub(r"'[^']*'|\bg\d+|\bagent\d+|\{[^}]*\}", "…", finding.why)
