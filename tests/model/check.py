"""Explores every deployment within some bounds, and says what was seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.model.book import Book
from tests.model.explore import Disturbances, Explorer, Finding, Result, begin
from tests.model.operations import Groups, Operation, operations, single, starts, tree
from tests.model.service import World
from tests.model.stack import Course, Stack, Template

KINDS: dict[str, Callable[[Groups], Template]] = {"single": single, "tree": tree}


@dataclass(frozen=True)
class Bounds:
    """How far the check goes."""

    kind: str
    """`single` for a resource a group, `tree` for one tree of all."""

    is_name_unique: bool
    most_groups: int
    disturbances: Disturbances


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
        names = "names once in the instance" if bounds.is_name_unique else "names once in a group"
        where = f"{bounds.kind}, {names}: {shape or 'nothing'} deployed, {operation.name}"
        summary.add(where, explore(bounds, operation))
    return summary


def every_operation(bounds: Bounds) -> Iterator[Operation]:
    """The deployments within the bounds."""
    for groups in starts(bounds.most_groups, is_name_unique=bounds.is_name_unique):
        yield from operations(groups, is_name_unique=bounds.is_name_unique)


def explore(bounds: Bounds, operation: Operation) -> Result:
    """Explore one deployment."""
    template_of = KINDS[bounds.kind]
    world, book, stack = deployed(bounds, operation.old)
    course = Course(
        template_of(operation.old),
        template_of(operation.new),
        is_creation=not operation.old,
    )
    start = begin(course, world, book, stack, bounds.disturbances.number)
    explorer = Explorer(course, start, bounds.disturbances, may_fail=operation.may_fail)
    return explorer.explore()


def deployed(bounds: Bounds, groups: Groups) -> tuple[World, Book, Stack]:
    """What is there once the groups were deployed, long ago, with an agent in each."""
    world = World(is_name_unique=bounds.is_name_unique)
    if not groups:
        return world, Book(), Stack()
    course = Course(Template(), KINDS[bounds.kind](groups), is_creation=True)
    result = Explorer(course, begin(course, world, Book(), Stack(), 0), Disturbances(0)).explore()
    if result.findings:
        raise AssertionError(str(result.findings[0]))
    end = next(end for end in result.ends if not end.stack.forward)
    world = end.world
    for number, desk in enumerate(world.desks, start=1):
        world = world.with_agent_in(f"agent{number}", desk.id)
    return world, end.book.later(), end.stack


def kind_of(finding: Finding) -> str:
    """What a finding is about, without the names of its history."""
    return re.sub(r"'[^']*'|\bg\d+|\bagent\d+|\{[^}]*\}", "…", finding.why)
