"""Plans and outcomes of moves, for people and for machines. Of agents, only user names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from connect_hierarchy_cli.placement.mover import Ending, Outcome
from connect_hierarchy_cli.placement.paths import Paths
from connect_hierarchy_cli.placement.plan import Move, Plan
from connect_hierarchy_cli.progress import duration
from connect_hierarchy_lambda.model.messages import listed, printable

_NO_GROUP = "(no group)"


def as_table(moves: Sequence[Move], paths: Paths) -> Table:
    """A row for each pair of groups between which agents move."""
    table = Table("from", "to", "agents", "user names", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    ways: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        way = (_shown(paths, move.agent.group_id), _shown(paths, move.to))
        ways.setdefault(way, []).append(printable(move.agent.username))
    for (before, to), usernames in sorted(ways.items()):
        table.add_row(before, to, f"{len(usernames):,}", listed(sorted(usernames)))
    return table


def in_words(plan: Plan, per_second: float) -> str:
    """How many agents would move, and how long it takes at this number of requests a second."""
    if not plan.moves:
        return f"nothing to do: {agents(plan.in_place)} where the file says"
    leaving = sum(move.to is None for move in plan.moves)
    parts = [f"{agents(len(plan.moves), 'to move')}"]
    if leaving:
        parts.append(f"{leaving:,} of them out of the hierarchy")
    parts.append(f"{plan.in_place:,} where the file says already")
    return f"{', '.join(parts)}; about {duration(len(plan.moves) / per_second)}"


def agents(number: int, to_be: str | None = None) -> str:
    """A number of agents, with what they are or do."""
    noun = "agent" if number == 1 else "agents"
    verb = to_be or ("is" if number == 1 else "are")
    return f"{number:,} {noun} {verb}"


def outcome_in_words(outcomes: Sequence[Outcome]) -> str:
    """How many moves ended in which way."""
    counts = Counter(outcome.ending for outcome in outcomes)
    parts = [f"{agents(counts[Ending.MOVED])} moved"]
    if counts[Ending.ALREADY_THERE]:
        parts.append(f"{counts[Ending.ALREADY_THERE]:,} there already")
    if counts[Ending.FAILED]:
        parts.append(f"{counts[Ending.FAILED]:,} not moved")
    return ", ".join(parts)


def as_value(
    instance_arn: str, plan: Plan, paths: Paths, outcomes: Sequence[Outcome] | None = None
) -> Mapping[str, Any]:
    """A plan for machines, with its outcome if it was carried out."""
    by_user = {outcome.move.agent.username: outcome for outcome in outcomes or ()}
    return {
        "instance": instance_arn,
        "moves": [_value(move, paths, by_user.get(move.agent.username)) for move in plan.moves],
        "in_place": plan.in_place,
    }


def _value(move: Move, paths: Paths, outcome: Outcome | None) -> dict[str, Any]:
    before = move.agent.group_id if outcome is None else outcome.group_before
    value: dict[str, Any] = {
        "username": move.agent.username,
        "from": paths.cell(before),
        "to": paths.cell(move.to),
    }
    if outcome is not None:
        value["outcome"] = outcome.ending.value
        value |= {"why": outcome.why} if outcome.why else {}
    return value


def _shown(paths: Paths, group_id: str | None) -> str:
    return printable(paths.shown(group_id)) if group_id else _NO_GROUP
