"""The content of an instance: its levels, its groups with their tags, and its agents by group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from threading import Thread

from connect_hierarchy_cli.instances import Instance
from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.model.names import composed
from connect_hierarchy_lambda.ports.connect import Connect


@dataclass(frozen=True)
class World:
    """An instance as it was a moment ago."""

    instance: Instance
    levels: tuple[str, ...]
    """Names, level one first; empty for a gap."""

    groups: tuple[Group, ...]
    """Each after the one above it, siblings by name."""

    agents: Mapping[str | None, tuple[Agent, ...]] = field(default_factory=dict)
    """By the id of the group that they are directly in, None for no group; each by user name."""

    @cached_property
    def by_id(self) -> Mapping[str, Group]:
        """The groups by their ids."""
        return {group.id: group for group in self.groups}

    @cached_property
    def children(self) -> Mapping[str | None, tuple[Group, ...]]:
        """The groups by the id of the one above, None for level one."""
        found: dict[str | None, list[Group]] = {}
        for group in self.groups:
            found.setdefault(group.parent_id, []).append(group)
        return {above: tuple(groups) for above, groups in found.items()}

    @cached_property
    def agents_below(self) -> Mapping[str, int]:
        """The number of agents in each group and in all groups below it."""
        counts = {group.id: len(self.agents.get(group.id, ())) for group in self.groups}
        for group in reversed(self.groups):
            if group.parent_id in counts:
                counts[group.parent_id] += counts[group.id]
        return counts

    @property
    def number_of_agents(self) -> int:
        """All agents of the instance."""
        return sum(map(len, self.agents.values()))

    def level_of(self, group: Group) -> str:
        """The name of the level that a group stands at."""
        number = len(group.path)
        return self.levels[number - 1] if number <= len(self.levels) else ""


def read_world(connect: Connect, instance: Instance, *, agents: bool = True) -> World:
    """Read an instance with as few calls as the pages need: groups and agents side by side.

    The latest changes may be missing, since searches lag.

    Args:
        connect: Amazon Connect in the instance's Region.
        instance: The instance.
        agents: Whether agents are read; if not, the result has none.
    """
    users = _beside(lambda: list(connect.all_agents(instance.arn)) if agents else [])
    levels = connect.levels(instance.arn)
    groups = connect.all_groups(instance.arn)
    by_name = sorted(users.result(), key=lambda agent: agent.username)
    by_group: dict[str | None, list[Agent]] = {}
    for agent in by_name:
        by_group.setdefault(agent.group_id, []).append(agent)
    return World(
        instance=instance,
        levels=levels,
        groups=tuple(sorted(groups, key=_place)),
        agents={group_id: tuple(agents) for group_id, agents in by_group.items()},
    )


def _beside(work: Callable[[], list[Agent]]) -> Future[list[Agent]]:
    """Do this in a thread that ends with the program if that is interrupted or fails."""
    future: Future[list[Agent]] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised when the result is used
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _place(group: Group) -> tuple[tuple[str, str, str], ...]:
    # groups with equal names below parents with equal names are told apart by id
    names = ((composed(name), group_id) for group_id, name in group.path)
    return tuple((name.casefold(), name, group_id) for name, group_id in names)
