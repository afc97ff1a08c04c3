"""Questions to Amazon Connect and CloudFormation, and the answers that a decision rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.model.messages import HierarchyError

Place = tuple[str, str | None, str]
"""Instance ARN, id of the parent group, and name: no two groups share all three."""


@dataclass(frozen=True)
class LookAt:
    """What does group `id` look like? None if it is gone."""

    instance_arn: str
    id: str


@dataclass(frozen=True)
class FindHolder:
    """Which group has this name at this place, or, failing that, anywhere in the instance?"""

    place: Place


@dataclass(frozen=True)
class FindChildren:
    """Which groups are directly below group `id`?"""

    instance_arn: str
    id: str


@dataclass(frozen=True)
class FindAgents:
    """Which agents are directly in group `id`?"""

    instance_arn: str
    id: str


@dataclass(frozen=True)
class AskAgent:
    """Which group is this agent in, by a read of the agent and not by a search?"""

    instance_arn: str
    agent_id: str


@dataclass(frozen=True)
class Survey:
    """What do all groups of the instance look like?"""

    instance_arn: str


@dataclass(frozen=True)
class ListNames:
    """What are all groups of the instance called, by their ids?"""

    instance_arn: str


@dataclass(frozen=True)
class ReadLevels:
    """What are the levels of the instance called?"""

    instance_arn: str


@dataclass(frozen=True)
class FindAtLevel:
    """Which groups are at level `number`, from 1 on?"""

    instance_arn: str
    number: int


@dataclass(frozen=True)
class ReadTemplate:
    """What does the stack's template declare, by logical id? None where it cannot be read."""


Question = (
    LookAt
    | FindHolder
    | FindChildren
    | FindAgents
    | AskAgent
    | Survey
    | ListNames
    | ReadLevels
    | FindAtLevel
    | ReadTemplate
)


@dataclass(frozen=True)
class Surveyed:
    """All groups of an instance, indexed, since there can be thousands."""

    groups: tuple[Group, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Group]:
        """The groups by their ids."""
        return {group.id: group for group in self.groups}

    @cached_property
    def below(self) -> Mapping[str | None, list[Group]]:
        """The groups by the id of the one above, None for level one."""
        found: dict[str | None, list[Group]] = {}
        for group in self.groups:
            found.setdefault(group.parent_id, []).append(group)
        return found


@dataclass
class Facts:
    """The answers of this run; the engine forgets those that a call or a wait may have changed."""

    answers: dict[Question, Any] = field(default_factory=dict)
    taken: set[Place] = field(default_factory=set)
    """Names that the service called duplicates."""

    in_use: dict[str, str] = field(default_factory=dict)
    """What the service said about groups that it refused to delete, by their ids."""

    gone: set[str] = field(default_factory=set)
    """Ids of groups that the service still does not know after two minutes."""

    refused: dict[str, HierarchyError] = field(default_factory=dict)
    """Why nothing could be done for a record, by its slot."""

    written: set[str] = field(default_factory=set)
    """Ids of groups that this run has renamed or tagged, so that their names are known."""

    put_levels: set[str] = field(default_factory=set)
    """ARNs of instances whose levels this run has written."""

    moved: dict[str, str | None] = field(default_factory=dict)
    """Where this run put agents, by their ids."""

    arrived: dict[str, dict[str, Agent]] = field(default_factory=dict)
    """The same, by the ids of the groups."""

    def knows(self, question: Question) -> bool:
        """Whether the answer is known."""
        return question in self.answers

    def group(self, question: LookAt | FindHolder) -> Group | None:
        """The group that was found."""
        answer: Group | None = self.answers[question]
        return answer

    def levels(self, question: ReadLevels) -> tuple[str, ...]:
        """The level names, level one first."""
        answer: tuple[str, ...] = self.answers[question]
        return answer

    def groups(self, question: FindChildren | FindAtLevel | Survey) -> tuple[Group, ...]:
        """The groups that were found."""
        answer: tuple[Group, ...] = self.answers[question]
        return answer

    def agents(self, question: FindAgents) -> tuple[Agent, ...]:
        """The agents of the group, including moves of this run that searches do not show yet."""
        answer: tuple[Agent, ...] = self.answers[question]
        shown = [a for a in answer if self.moved.get(a.id, question.id) == question.id]
        known = {agent.id for agent in shown}
        came = self.arrived.get(question.id, {}).values()
        return (*shown, *(agent for agent in came if agent.id not in known))

    def note_move(self, agent: Agent, group_id: str | None) -> None:
        """Note that this run has put an agent into a group, or into none."""
        for agents in self.arrived.values():
            agents.pop(agent.id, None)
        self.moved[agent.id] = group_id
        if group_id is not None:
            self.arrived.setdefault(group_id, {})[agent.id] = agent

    def names(self, question: ListNames) -> Mapping[str, str]:
        """All names by the groups' ids."""
        answer: Mapping[str, str] = self.answers[question]
        return answer

    def template(self) -> Mapping[str, Any] | None:
        """What the template declares."""
        answer: Mapping[str, Any] | None = self.answers[ReadTemplate()]
        return answer
