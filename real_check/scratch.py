"""Everything that a check creates on an instance, and its removal; nothing else is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from connect_hierarchy_lambda.model.groups import Agent, Group
from connect_hierarchy_lambda.ports.calls import (
    IN_USE,
    INVALID_REQUEST,
    NOT_FOUND,
    PassingError,
    Refusal,
)
from connect_hierarchy_lambda.ports.connect import Connect
from connect_hierarchy_lambda.ports.time import Clock

_Answer = TypeVar("_Answer")

LEVELS_NEEDED = 3
_OWN_LEVELS = ("Check one", "Check two", "Check three")
_SECONDS_OF_DOUBT = 120.0
_SECONDS_FOR_A_STACK = 3700.0
"""A little more than the hour for which CloudFormation waits for a custom resource."""

_PAUSE = 1.0


class CannotRunError(Exception):
    """The check must not run here, and nothing was changed."""


class Scratch:
    """A group at level one that the check creates, the groups below it, and a stack.

    Args:
        connect: Amazon Connect in the instance's Region.
        cloudformation: A boto3 client of the same Region.
        clock: The clock that waits.
        instance_arn: The instance.
        mark: The unique part of the names of group and stack.
    """

    def __init__(
        self, connect: Connect, cloudformation: Any, clock: Clock, instance_arn: str, mark: str
    ) -> None:
        self.connect = connect
        self.clock = clock
        self.instance_arn = instance_arn
        self.stack_name = f"connect-hierarchy-check-{mark}"
        self.top_id = ""
        self.agent: Agent | None = None
        self._cloudformation = cloudformation
        self._made: list[str] = []
        self._has_own_levels = False
        self._agent_was_moved = False

    @property
    def top_arn(self) -> str:
        """The group that everything is below."""
        return f"{self.instance_arn}/agent-group/{self.top_id}"

    def find_agent(self, username: str) -> Agent:
        """The agent who moves with the groups.

        Raises:
            CannotRunError: If there is no such user.
        """
        for agent in self.connect.all_agents(self.instance_arn):
            if agent.username == username:
                return agent
        raise CannotRunError(f"the instance has no user '{username}'")

    def check_levels(self) -> str:
        """What the check will do about levels, as a sentence.

        Raises:
            CannotRunError: If the instance has levels, and fewer than three.
        """
        levels = self.connect.levels(self.instance_arn)
        if len(levels) >= LEVELS_NEEDED and all(levels[:LEVELS_NEEDED]):
            return "the levels stay as they are"
        if levels or self.connect.names(self.instance_arn):
            raise CannotRunError(
                f"the instance has {len(levels)} levels, at least {LEVELS_NEEDED} are needed, "
                "without gaps: use an instance with more, or with none"
            )
        return f"{LEVELS_NEEDED} levels are created, since there are none, and removed at the end"

    def begin(self, username: str | None) -> None:
        """Create levels if there are none, and the group for everything else."""
        if username is not None:
            self.agent = self.find_agent(username)
        if not self.connect.levels(self.instance_arn):
            self._has_own_levels = True
            self.connect.put_levels(self.instance_arn, _OWN_LEVELS)
        self.top_id = self._create(self.stack_name, None)
        self.wait_for(lambda: self.top_id in {group.id for group in self._shown()})

    def make_group(self, name: str, parent_id: str | None = None) -> str:
        """Create a group below the check's own or another one of the check's, and return its id."""
        return self._create(name, parent_id or self.top_id)

    def groups(self) -> dict[str, Group]:
        """The groups below the check's own, by their path of names from there."""
        return {
            "/".join(name for _, name in group.path[1:]): group
            for group in self._shown()
            if group.id != self.top_id
        }

    def put_agent_into(self, group_id: str) -> None:
        """Move the agent, if there is one."""
        if self.agent is not None:
            self._agent_was_moved = True
            self.connect.move_agent(self.instance_arn, self.agent.id, group_id)

    def group_of_agent(self) -> str | None:
        """The group that the agent is in; None without an agent."""
        if self.agent is None:
            return None
        return self.connect.group_of_agent(self.instance_arn, self.agent.id)

    def bring_agent_home(self) -> None:
        """Move the agent back to the original group."""
        if self.agent is not None and self._agent_was_moved:
            self.connect.move_agent(self.instance_arn, self.agent.id, self.agent.group_id)
            self._agent_was_moved = False

    def remove_group(self, group_id: str) -> None:
        """Delete a group of the check, as long as it takes until it is not in use."""
        self._doubting(lambda: self._delete(group_id), IN_USE, INVALID_REQUEST)
        if group_id in self._made:
            self._made.remove(group_id)

    def remove_made_groups(self) -> None:
        """Delete the groups that the check itself created below its group, latest first."""
        for group_id in reversed(self._made[1:]):
            self.remove_group(group_id)

    def wait_for(self, holds: Callable[[], bool], seconds: float = _SECONDS_OF_DOUBT) -> bool:
        """Ask until a condition holds, since reads lag; whether it holds in the end."""
        deadline = self.clock.now() + seconds
        while not (found := holds()) and self.clock.now() < deadline:
            self.clock.sleep(_PAUSE)
        return found

    # the end -------------------------------------------------------------------------------------

    def clean_up(self) -> list[str]:
        """Remove everything that the check created; return what is left, and how to remove it."""
        left: list[str] = []
        for what, remove in (
            (self._agent_in_words(), self.bring_agent_home),
            (f"the stack {self.stack_name}: delete it in CloudFormation", self._remove_stack),
            (
                f"groups below '{self.stack_name}': move their agents, delete them from below",
                self._remove_groups,
            ),
            ("three levels: clear the hierarchy structure", self._remove_levels),
        ):
            try:
                remove()
            except (Refusal, PassingError, ClientError, BotoCoreError, CannotRunError) as error:
                left.append(f"{what} ({error})")
        return left

    def _agent_in_words(self) -> str:
        if self.agent is None:
            return "no agent"
        group = self.agent.group_id or "no group"
        return f"the agent '{self.agent.username}': put the agent back into {group}"

    def _remove_stack(self) -> None:
        if not self.wait_for(self._is_at_rest, _SECONDS_FOR_A_STACK):
            raise CannotRunError("CloudFormation still works on it")
        if self._status() is None:
            return
        self._cloudformation.delete_stack(StackName=self.stack_name)
        self.wait_for(self._is_at_rest, _SECONDS_FOR_A_STACK)
        if (status := self._status()) is not None:
            raise CannotRunError(f"its status is {status}")

    def _is_at_rest(self) -> bool:
        status = self._status()
        # a stack that only has a change set does not change by itself
        return status in {None, "REVIEW_IN_PROGRESS"} or not str(status).endswith("_IN_PROGRESS")

    def _status(self) -> str | None:
        """The stack's status, None if there is no such stack."""
        try:
            answer = self._cloudformation.describe_stacks(StackName=self.stack_name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            return None
        (stack,) = answer["Stacks"]
        return str(stack["StackStatus"])

    def _remove_groups(self) -> None:
        if not self.top_id:
            # the answer to its Create may have been lost
            named = self.connect.names(self.instance_arn).items()
            self.top_id = next((i for i, name in named if name == self.stack_name), "")
        if not self.top_id:
            return
        shown = {group.id: len(group.path) for group in self._shown()}
        # searches lag, but the groups that were created are known, parents first
        hidden = [group_id for group_id in reversed(self._made) if group_id not in shown]
        from_below = sorted(shown, key=lambda group_id: -shown[group_id])
        for group_id in (*hidden, *from_below):
            if group_id != self.top_id:
                self.remove_group(group_id)
        self.remove_group(self.top_id)
        self.top_id = ""

    def _remove_levels(self) -> None:
        if self._has_own_levels:
            self._doubting(
                lambda: self.connect.put_levels(self.instance_arn, ()), IN_USE, INVALID_REQUEST
            )

    # calls ---------------------------------------------------------------------------------------

    def _shown(self) -> list[Group]:
        """The check's own group and those below it, as a search shows them."""
        return [
            group
            for group in self.connect.all_groups(self.instance_arn)
            if any(group_id == self.top_id for group_id, _ in group.path)
        ]

    def _create(self, name: str, parent_id: str | None) -> str:
        def create() -> str:
            return self.connect.create_group(
                self.instance_arn, parent_id, name, {"connect-hierarchy-check": self.stack_name}
            )

        made = self._doubting(create, NOT_FOUND, INVALID_REQUEST)
        self._made.append(made)
        return made

    def _delete(self, group_id: str) -> None:
        try:
            self.connect.delete_group(self.instance_arn, group_id)
        except Refusal as refusal:
            if refusal.code != NOT_FOUND:
                raise

    def _doubting(self, work: Callable[[], _Answer], *codes: str) -> _Answer:
        """Repeat this as long as it is refused for a reason that may be stale."""
        deadline = self.clock.now() + _SECONDS_OF_DOUBT
        while True:
            try:
                return work()
            except Refusal as refusal:
                if refusal.code not in codes or self.clock.now() > deadline:
                    raise
                self.clock.sleep(_PAUSE)
