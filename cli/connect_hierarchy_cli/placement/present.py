"""The present state of an instance, including changes that its searches do not show yet.

Only searches show many groups with their paths, and many agents with their groups, at a time; but
they lag behind writes. So groups and agents are both searched and listed. Those that only the list
has, and agents that were changed recently, are read one by one. So a run right after another one,
to undo it or to finish it, begins with the true state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from connect_hierarchy_cli.placement.side_by_side import do_each
from connect_hierarchy_lambda.model.groups import Agent, Group, ListedAgent
from connect_hierarchy_lambda.ports.calls import NOT_FOUND, Refusal
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.lanes import Lanes

SEARCH_LAG_SECONDS = 300.0
"""How long a search is assumed to lag at most; AWS documents no limit."""


def present_groups(connect: Connect, instance_arn: str) -> tuple[Group, ...]:
    """The groups of an instance, including the latest."""
    shown = {group.id: group for group in connect.all_groups(instance_arn)}
    names = connect.names(instance_arn)
    for group_id in names.keys() - shown.keys():
        group = connect.group_if_there(instance_arn, group_id)
        if group is not None:
            shown[group_id] = group
    return tuple(
        replace(
            group,
            name=names[group.id],
            path=tuple((above, names.get(above, name)) for above, name in group.path),
        )
        for group in shown.values()
        if group.id in names
    )


@dataclass(frozen=True)
class AgentSurvey:
    """The agents of an instance as a search and a list show them, by their ids."""

    instance_arn: str
    searched: Mapping[str, Agent]
    listed: Mapping[str, ListedAgent]

    @classmethod
    def of(cls, connect: Connect, instance_arn: str) -> AgentSurvey:
        """Search and list the agents."""
        searched = {agent.id: agent for agent in connect.all_agents(instance_arn)}
        listed = {agent.id: agent for agent in connect.listed_agents(instance_arn)}
        return cls(instance_arn, searched, listed)

    def doubtful(self, now: float, only: Collection[str] | None = None) -> list[ListedAgent]:
        """The agents for whom the search may show a former group.

        Args:
            now: Seconds since 1970.
            only: The user names that matter; None for all.
        """
        return [
            agent
            for agent in self.listed.values()
            if (only is None or agent.username in only)
            and (agent.id not in self.searched or agent.modified_at >= now - SEARCH_LAG_SECONDS)
        ]

    def settled(
        self,
        connect: Connect,
        doubtful: list[ListedAgent],
        lanes: Lanes,
        progress: Callable[[int, int], None],
    ) -> dict[str, Agent]:
        """All agents by user name; the doubtful ones are read one by one.

        Args:
            connect: The calls.
            doubtful: The agents to read.
            lanes: How many are read at the same time.
            progress: Called with the number of agents that are read, and of all.
        """
        found = {agent_id: self.searched.get(agent_id) for agent_id in self.listed}
        read: list[str] = []

        def look(agent: ListedAgent) -> None:
            found[agent.id] = _read(connect, self.instance_arn, agent)
            read.append(agent.id)
            progress(len(read), len(doubtful))

        do_each(lanes, doubtful, look)
        return {agent.username: agent for agent in found.values() if agent is not None}


def _read(connect: Connect, instance_arn: str, agent: ListedAgent) -> Agent | None:
    """The agent as it is now, None if it has been deleted."""
    try:
        group_id = connect.group_of_agent(instance_arn, agent.id)
    except Refusal as refusal:
        if refusal.code != NOT_FOUND:
            raise
        return None
    return Agent(agent.id, agent.username, group_id)
