"""A plan in words, the same in the terminal, in Markdown and with a picture."""

from __future__ import annotations

from connect_hierarchy_cli.drifting import sentence
from connect_hierarchy_cli.plan.result import (
    AgentsGo,
    ByHand,
    Change,
    Fate,
    GroupPlan,
    Kind,
    Plan,
    joined,
)
from connect_hierarchy_cli.settings import PROGRAM

NOTHING = "No changes. Amazon Connect has everything as wanted."

_MINUTE = 60
_HOUR = 3600


def counted(number: int, what: str) -> str:
    """A number with its noun."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def headline(plan: Plan) -> str:
    """The summary of the plan, in one line."""
    if plan.refusal:
        return f"The deployment of {plan.stack} will fail."
    if not plan.changes_anything:
        stays = sum(one.fate is Fate.STAYS for one in plan.by_hand)
        return f"No changes. {counted(stays, 'change')} by hand will stay." if stays else NOTHING
    changes = [f"{number:,} {change}" for change, number in plan.count().items()]
    if plan.changes_levels:
        changes.append("levels changed")
    return f"{plan.stack}: {', '.join(changes) or 'nothing changes in Amazon Connect'}"


def what_happens(group: GroupPlan) -> str:
    """What happens to a group: `moved from Support/EMEA with 3 agents, renamed from APAC`."""
    parts = [_change(group, change) for change in group.changes]
    parts += [_tag(key, *values) for key, values in group.tags.items()]
    if group.note:
        parts.append(group.note)
    return ", ".join(parts)


def _change(group: GroupPlan, change: Change) -> str:
    match change:
        case Change.MOVED:
            with_agents = f" with {counted(group.agents, 'agent')}" if group.agents else ""
            return f"moved from {joined(group.was)}{with_agents}"
        case Change.RENAMED:
            return f"renamed from {group.was[-1]}"
        case Change.REPLACED:
            return f"REPLACED by a new {joined(group.was)}, since it has no key{_agents(group)}"
        case Change.REMOVED | Change.LEFT:
            return f"{change}{_agents(group)}"
    return str(change)


def agents_of(group: GroupPlan) -> str:
    """Where the agents of a group go; empty if it has none, or if they do not matter."""
    return ", ".join(map(_goes, group.agents_go))


def _agents(group: GroupPlan) -> str:
    told = agents_of(group)
    return f", {told}" if told else ""


def _goes(one: AgentsGo) -> str:
    agents = counted(one.number, "agent")
    verb = "s" if one.number == 1 else ""
    if one.stay:
        return f"{agents} stay{verb} in it"
    if one.to is None:
        return f"{agents} will be in no group"
    return f"{agents} move{verb} to {joined(one.to)}"


def _tag(key: str, before: str | None, after: str | None) -> str:
    if after is None:
        return f"-{key}"
    return f"+{key}={after}" if before is None else f"{key}={after} (was {before})"


def duration(seconds: float) -> str:
    """A time for people."""
    whole = round(seconds)
    if whole < 1:
        return "less than a second"
    if whole < 2 * _MINUTE:
        return counted(whole, "second")
    return (
        f"{whole // _MINUTE} min {whole % _MINUTE} s"
        if whole < _HOUR
        else f"{whole / _HOUR:.1f} hours"
    )


def time_needed(plan: Plan) -> str:
    """How long the calls take."""
    number = sum(plan.calls_by_api.values())
    return (
        f"{counted(number, 'call')} take {duration(plan.seconds)} "
        f"at {plan.rate:g} a second for each API"
    )


def pointed_at(plan: Plan) -> list[str]:
    """The references to groups whose ids end."""
    told = {
        Kind.ON_CONTACT: "{name} is on a contact now, in {group}",
        Kind.SECURITY_PROFILE: "security profile {name} allows access by {group} ({id})",
        Kind.OTHER_STACK: "{name} is below {group}",
    }
    lines = [
        told[one.kind].format(name=one.name, group=joined(one.group), id=one.group_id)
        for one in plan.pointers
    ]
    return lines + [f"not read: {what}" for what in plan.not_read]


def by_hand(plan: Plan) -> list[str]:
    """What people changed, and what becomes of it; last, what to do about what does not go back."""
    lines = [
        f"{one.difference.path} {sentence(one.difference)}: {_becomes(one)}" for one in plan.by_hand
    ]
    number = sum(one.is_for_a_repair for one in plan.by_hand)
    if number:
        lines.append(
            f"to bring {number:,} of these back, type this before the deployment: "
            f"{PROGRAM} drift --stack {plan.stack} --repair"
        )
    return lines


def _becomes(one: ByHand) -> str:
    if not one.left_at:
        return str(one.fate)
    agents = f" with {counted(one.agents_left, 'agent')}" if one.agents_left else ""
    return f"{one.fate}, and {joined(one.left_at)} stays{agents}"


def new_ids(plan: Plan) -> list[GroupPlan]:
    """The groups that have another id afterwards; none if the deployment is rolled back."""
    return [] if plan.refusal else [group for group in plan.groups if group.old_id]
