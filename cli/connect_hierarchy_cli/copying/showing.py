"""Plans of copies, for people and for machines. Of agents, only user names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group as Together
from rich.table import Table

from connect_hierarchy_cli.copying.plan import CopyPlan, Names
from connect_hierarchy_cli.progress import duration
from connect_hierarchy_lambda.model.messages import listed, printable
from connect_hierarchy_lambda.model.tree import SPACED_SEPARATOR


def as_table(plan: CopyPlan) -> Together:
    """The changes: levels, groups, and agents by the group that they go to."""
    tables: list[Table] = []
    if plan.levels != plan.levels_before:
        levels = _table("level", "name")
        for number, name in enumerate(plan.levels, start=1):
            if number > len(plan.levels_before):
                levels.add_row(f"+ {number}", printable(name))
        tables.append(levels)
    if plan.groups:
        groups = _table("group", "tags")
        for group in sorted(plan.groups, key=lambda group: group.path):
            tags = ", ".join(f"{key}={value}" for key, value in sorted(group.tags.items()))
            groups.add_row(f"+ {path_of(group.path)}", printable(tags))
        tables.append(groups)
    if plan.agents:
        agents = _table("agents to", "agents", "user names")
        ways: dict[Names, list[str]] = {}
        for place in plan.agents:
            ways.setdefault(place.path, []).append(printable(place.agent.username))
        for path, usernames in sorted(ways.items()):
            agents.add_row(path_of(path), f"{len(usernames):,}", listed(usernames))
        tables.append(agents)
    return Together(*(part for table in tables for part in (table, "")))


def in_words(plan: CopyPlan, per_second: float) -> str:
    """How much there is to do, and how long it takes at this number of requests a second."""
    new_levels = len(plan.levels) - len(plan.levels_before)
    parts = [
        _number(new_levels, "level", "to add"),
        f"{_number(len(plan.groups), 'group', 'to make')}, {len(plan.kept):,} there already",
    ]
    if plan.agents or plan.in_place:
        moves = _number(len(plan.agents), "agent", "to move")
        parts.append(f"{moves}, {plan.in_place:,} in place already")
    if plan.is_empty:
        return f"nothing to do: {'; '.join(parts)}"
    # each API has its own pace, but agents wait for the groups
    seconds = (len(plan.groups) + len(plan.agents)) / per_second
    return f"{'; '.join(parts)}; about {duration(seconds)}"


def notes(plan: CopyPlan) -> Iterator[str]:
    """Differences that the copy leaves, a sentence each."""
    yield from plan.differences
    if plan.missing_agents:
        number = _number(len(plan.missing_agents), "agent", "of the source")
        verb = "is" if len(plan.missing_agents) == 1 else "are"
        names = listed([printable(name) for name in plan.missing_agents], at_most=10)
        yield f"{number} {verb} no user of the target: {names}"


def as_value(source_arn: str, target_arn: str, plan: CopyPlan) -> Mapping[str, Any]:
    """A plan for machines."""
    return {
        "from": source_arn,
        "to": target_arn,
        "levels": {"before": list(plan.levels_before), "after": list(plan.levels)},
        "groups": [{"path": list(group.path), "tags": dict(group.tags)} for group in plan.groups],
        "kept": [list(path) for path in plan.kept],
        "differences": list(plan.differences),
        "agents": [
            {"username": place.agent.username, "to": list(place.path)} for place in plan.agents
        ],
        "agents_in_place": plan.in_place,
        "missing_agents": list(plan.missing_agents),
    }


def path_of(path: Names) -> str:
    """A path for people."""
    return printable(SPACED_SEPARATOR.join(path))


def _number(number: int, noun: str, what: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'} {what}"


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right" if column.header == "agents" else "left"
    return table
