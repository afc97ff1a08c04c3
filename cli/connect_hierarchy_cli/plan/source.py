"""The state of an instance, read for a plan when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from botocore.exceptions import BotoCoreError

from connect_hierarchy_cli.plan.planned_connect import NotReadError
from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.ports.calls import PassingError, Refusal
from connect_hierarchy_lambda.ports.connect import Connect

T = TypeVar("T")


class LiveSource:
    """Reads from Amazon Connect, page by page; see `Source`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._levels: dict[str, Sequence[str]] = {}
        self._groups: dict[str, tuple[Group, ...]] = {}

    def levels(self, instance_arn: str) -> Sequence[str]:
        """The level names, level one first; asking again gives the same."""
        if instance_arn not in self._levels:
            self._levels[instance_arn] = _read(lambda: self._connect.levels(instance_arn))
        return self._levels[instance_arn]

    def groups(self, instance_arn: str) -> Sequence[Group]:
        """All groups; further calls return the same."""
        if instance_arn not in self._groups:
            self._groups[instance_arn] = _read(lambda: self._connect.all_groups(instance_arn))
        return self._groups[instance_arn]

    def agents(self, instance_arn: str) -> Sequence[Agent]:
        """All agents, with the groups that they are in."""
        return _read(lambda: tuple(self._connect.all_agents(instance_arn)))


def _read(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (Refusal, PassingError, BotoCoreError) as error:
        raise NotReadError(error) from error
