"""From the rows of a file to moves of agents, or to all problems of the rows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connect_hierarchy_cli.placement.paths import Paths
from connect_hierarchy_lambda.model.errors import InvalidHierarchyError
from connect_hierarchy_lambda.model.groups import Agent
from connect_hierarchy_lambda.model.names import quoted

_HINTS = 5
"""How many errors about unknown users name the nearest ones, since finding these takes time."""

_QUOTED_NAME = 100

Problem = tuple[int, str]
"""A line of the file, from 1, and its problem."""


@dataclass(frozen=True)
class Row:
    """An agent, and the path of the group that it is to be in."""

    username: str
    path: str
    """The text of the cell; empty for no group."""

    line: int
    """The line of the file that it begins in, from 1."""


@dataclass(frozen=True)
class Move:
    """An agent that is to be in another group than it is in."""

    agent: Agent
    to: str | None
    """Id of the group, None for no group."""


@dataclass(frozen=True)
class Plan:
    """The moves that bring agents to the groups of their rows."""

    moves: tuple[Move, ...] = ()
    in_place: int = 0
    """How many agents are in the groups of their rows already."""


class InvalidRowsError(Exception):
    """Rows that cannot be carried out; `problems` has all problems, each with its line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def plan_moves(
    rows: Sequence[Row],
    agents: Mapping[str, Agent],
    paths: Paths,
    located: Callable[[int, str], str],
    also: Sequence[Problem] = (),
) -> Plan:
    """The moves that the rows ask for, in their order.

    Args:
        rows: Of the file.
        agents: The agents of the instance by user name.
        paths: Of the groups of the instance.
        located: Puts the line in front of a problem.
        also: Problems of the file itself.

    Raises:
        InvalidRowsError: With all of `also`, every unknown user, every unknown path and every user
            that two rows have.
    """
    problems = sorted(
        [*also, *_twice(rows), *_unknown_users(rows, agents), *_unknown_paths(rows, paths)],
        key=lambda problem: problem[0],
    )
    if problems:
        raise InvalidRowsError([located(line, why) for line, why in problems])
    moves: list[Move] = []
    for row in rows:
        agent = agents[row.username]
        to = paths.group_id(row.path) if row.path else None
        if agent.group_id != to:
            moves.append(Move(agent, to))
    return Plan(tuple(moves), in_place=len(rows) - len(moves))


def _twice(rows: Iterable[Row]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for row in rows:
        line = first.setdefault(row.username, row.line)
        if line != row.line:
            why = f"user {_named(row.username)} is also in line {line}: keep one of the two"
            yield row.line, why


def _unknown_users(rows: Iterable[Row], agents: Mapping[str, Agent]) -> Iterator[Problem]:
    hints = _HINTS
    for row in rows:
        if row.username in agents:
            continue
        why = f"the instance has no user {_named(row.username)}"
        if hints:
            hints -= 1
            if near := _near(row.username, agents):
                why += f", nearest are: {', '.join(map(_named, near))}"
        yield row.line, why


def _near(username: str, agents: Iterable[str]) -> list[str]:
    """Similar user names; those that differ only by case come first."""
    same = [other for other in agents if other.casefold() == username.casefold()]
    return same or difflib.get_close_matches(username, agents, cutoff=0.8)


def _unknown_paths(rows: Iterable[Row], paths: Paths) -> Iterator[Problem]:
    for row in rows:
        if not row.path:
            continue
        try:
            paths.group_id(row.path)
        except InvalidHierarchyError as error:
            yield row.line, str(error)


def _named(username: str) -> str:
    return quoted(username, _QUOTED_NAME)
