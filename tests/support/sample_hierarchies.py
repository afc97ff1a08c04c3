"""Hierarchies to draw: an organisation as customers have it, a plan for it, and large ones."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from connect_hierarchy_cli.chart.hierarchy import Change, Group, Hierarchy, Mark, Owner

INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/5b1c8e0a-1111-2222-3333-444455556666"
)

_FIRST_NAMES = (
    "ada alan amara anneli barbara carlos chidi daniela edsger elif emre fatou grace hedy ines "
    "jamal joan kenji leila linus mai margaret mateo mei nadia noor olga pedro priya radia ravi "
    "rosa sven tariq tim vera wangari yuki zoe"
)
_LAST_NAMES = (
    "adeyemi allen andersson bauer bianchi castro dubois eriksen fischer garcia haddad hopper "
    "ito johansson kaya kowalski lamarr lopez mbeki moreau nakamura novak okafor oliveira perlman "
    "quinn rossi santos schmidt silva tanaka torvalds turing usman varga weber yilmaz zhang"
)

_ORGANISATION: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Customer Support": {
        "EMEA": ("Berlin", "Lisbon", "London", "Tallinn", "Night desk"),
        "Americas": ("Austin", "Bogotá", "São Paulo", "Toronto"),
        "Asia Pacific": ("Manila", "Osaka", "Sydney"),
        "Accessibility and relay": (),
    },
    "Sales": {
        "New business": ("Inbound", "Outbound"),
        "Renewals": ("Enterprise", "Small and medium businesses in German-speaking countries"),
        "Partners": (),
    },
    "Back Office": {
        "Billing": ("Disputes", "Refunds"),
        "Fraud and risk": ("Investigations",),
        "Knowledge base": (),
    },
    "Field Service": {"Dispatch": ("North", "South"), "Spare parts": ()},
    "Training": {},
}
_STACKS = {
    "Customer Support": ("contact-centre-support", "Organisation"),
    "Sales": ("contact-centre-sales", "SalesTree"),
    "Back Office": ("contact-centre-support", "BackOffice"),
}
_COST_CENTERS = {"Customer Support": "4200", "Sales": "3100", "Back Office": "5000"}

_TOP_GROUPS = 12
"""How many groups a large hierarchy has at level one, unless it has no other level."""


class _Made:
    """Groups with ids and agents that are the same each time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.groups: list[Group] = []
        self.usernames: Iterator[str] = self._usernames()

    def _usernames(self) -> Iterator[str]:
        number = 1
        while True:
            names = [
                f"{first}.{last}" for first in _FIRST_NAMES.split() for last in _LAST_NAMES.split()
            ]
            self.random.shuffle(names)
            yield from (name if number == 1 else f"{name}{number}" for name in names)
            number += 1

    def id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def agents(self, number: int) -> tuple[str, ...]:
        return tuple(next(self.usernames) for _ in range(number))

    def add(
        self,
        name: str,
        parent: Group | None,
        agents: int,
        tags: Mapping[str, str],
        owner: Owner | None,
    ) -> Group:
        group = Group(
            id=self.id(),
            name=name,
            level=parent.level + 1 if parent else 1,
            parent_id=parent.id if parent else None,
            tags=tags,
            owner=owner,
            agents=self.agents(agents),
        )
        self.groups.append(group)
        return group


def organisation() -> Hierarchy:
    """Three levels, some forty groups of two stacks and of none, and their agents."""
    made = _Made(seed=13)
    for division, regions in _ORGANISATION.items():
        stack = _STACKS.get(division)
        owner = Owner(*stack) if stack else None
        tags = {"cost-center": _COST_CENTERS[division]} if division in _COST_CENTERS else {}
        top = made.add(division, None, 2 if regions else 6, tags, owner)
        for region, teams in regions.items():
            more = {**tags, "region": region.lower().replace(" ", "-")} if len(teams) > 2 else tags
            middle = made.add(region, top, 1 if teams else 9, more, owner)
            for team in teams:
                extra = {"shift": "night", "on-call": "yes"} if team == "Night desk" else {}
                made.add(team, middle, made.random.randint(4, 24), {**more, **extra}, owner)
    return Hierarchy(
        instance_arn=INSTANCE_ARN,
        instance_alias="northwind-contact-centre",
        levels=("Division", "Region", "Team"),
        groups=tuple(made.groups),
        agents_without_group=made.agents(7),
        read_at="2026-11-27 09:40 UTC",
    )


def plan() -> Hierarchy:
    """The organisation with one change of each kind."""
    before = organisation()
    by_name = {group.name: group for group in before.groups}
    marks = {
        "Asia Pacific": Mark(Change.RENAMED, before="APAC"),
        "Night desk": Mark(Change.MOVED, before="Back Office / Knowledge base", note="13 agents"),
        "Partners": Mark(Change.REMOVED, note="9 agents move to Sales"),
        "Spare parts": Mark(Change.ADOPTED),
        "Refunds": Mark(Change.REPLACED, note="it has no key, its history ends"),
    }
    groups = [
        replace(group, marks=(marks[group.name],)) if group.name in marks else group
        for group in before.groups
    ]
    for name in ("Nairobi", "Lagos"):
        emea = by_name["EMEA"]
        groups.append(
            Group(
                id=f"new {name}",
                name=name,
                level=3,
                parent_id=emea.id,
                tags=emea.tags,
                owner=emea.owner,
                marks=(Mark(Change.ADDED),),
            )
        )
    return replace(before, groups=tuple(groups))


def large(groups: int, agents: int, *, levels: int = 5) -> Hierarchy:
    """Any number of groups over all levels, with agents spread over them.

    Args:
        groups: How many groups, at least 1.
        agents: How many agents.
        levels: How many levels, 1 to 5.
    """
    made = _Made(seed=groups)
    for number in range(groups):
        parent = None
        if number >= _TOP_GROUPS and levels > 1:
            # Each level has some five times more than the one above.
            parent = made.groups[(number - _TOP_GROUPS) // 5]
            while parent.level >= levels:
                parent = next(one for one in made.groups if one.id == parent.parent_id)
        made.add(
            f"{('Division', 'Region', 'Site', 'Team', 'Desk')[parent.level if parent else 0]} "
            f"{number + 1}",
            parent,
            0,
            {"cost-center": str(1000 + number % 90)},
            Owner(f"contact-centre-{number % 7}", "Organisation") if number % 3 else None,
        )
    share = [agents // groups + (number < agents % groups) for number in range(groups)]
    return Hierarchy(
        instance_arn=INSTANCE_ARN,
        instance_alias="large",
        levels=("Division", "Region", "Site", "Team", "Desk")[:levels],
        groups=tuple(
            replace(group, agents=made.agents(number))
            for group, number in zip(made.groups, share, strict=True)
        ),
    )
