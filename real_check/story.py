"""The life of a stack on the instance: the promises of each step, and whether they were kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from real_check.app import BY_HAND, TABLE_OUTPUT, Step
from real_check.cloudformation_facts import cloudformation_facts, read_events
from real_check.deployments import Deployments
from real_check.findings import Fact, Promise
from real_check.scratch import Scratch


@dataclass(frozen=True)
class State:
    """The state that a rollback has to restore."""

    groups: Mapping[str, tuple[str, Mapping[str, str]]]
    """Id and tags, by path."""

    group_of_agent: str | None


class Story:
    """Deploys step by step, and looks at the instance after each.

    Args:
        scratch: The check's part of the instance.
        deployments: Its stack.
        groups: Whether the stack has groups, or the recorder alone.
    """

    def __init__(self, scratch: Scratch, deployments: Deployments, *, groups: bool) -> None:
        self._scratch = scratch
        self._deployments = deployments
        self._groups = groups

    def tell(self) -> Iterator[Promise]:
        """Play all steps but the last, and yield the promises, kept or not.

        Raises:
            DeploymentError: If the CDK CLI succeeds or fails unexpectedly.
        """
        if not self._groups:
            for step in Step:
                self._deployments.deploy(step, fails=step is Step.FAIL)
            return
        yield from self._create()
        yield from self._change()
        yield from self._adopt()
        yield from self._fail()

    def facts(self, cloudformation: Any, dynamodb: Any) -> list[Fact]:
        """The events of the recorder so far."""
        (stack,) = cloudformation.describe_stacks(StackName=self._scratch.stack_name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return cloudformation_facts(read_events(dynamodb, outputs[TABLE_OUTPUT]))

    def destroy(self) -> Iterator[Promise]:
        """Delete the stack, and yield the promises about that."""
        scratch = self._scratch
        scratch.bring_agent_home()
        before = self._state().groups
        self._deployments.destroy()
        if not self._groups:
            return
        yield self._promise(
            "A destroyed stack's groups go, and an adopted group stays with its id",
            lambda: self._ids() == {BY_HAND: before[BY_HAND][0]},
        )
        yield self._promise(
            "A released group has the tags that it had before it was adopted",
            lambda: not self._tags_of_ours(BY_HAND),
        )

    # the steps -----------------------------------------------------------------------------------

    def _create(self) -> Iterator[Promise]:
        self._deployments.deploy(Step.CREATE)
        paths = {"North", "North/Desk", "South"}
        yield self._promise("Groups stand where the app says", lambda: set(self._ids()) == paths)
        if self._scratch.agent is not None:
            self._scratch.put_agent_into(self._ids()["North/Desk"])

    def _change(self) -> Iterator[Promise]:
        before = self._ids()
        self._deployments.deploy(Step.CHANGE)
        paths = {"Northern", "South", "South/Desk"}
        yield self._promise(
            "A moved group stands in its new place, and not in the old one",
            lambda: set(self._ids()) == paths,
        )
        yield self._promise(
            "A rename keeps the group's id",
            lambda: self._ids().get("Northern") == before["North"],
        )
        if self._scratch.agent is not None:
            yield self._promise(
                "Agents move with their group",
                lambda: self._scratch.group_of_agent() == self._ids().get("South/Desk"),
            )

    def _adopt(self) -> Iterator[Promise]:
        by_hand = self._scratch.make_group(BY_HAND)
        before = self._ids()
        self._deployments.deploy(Step.ADOPT)
        yield self._promise(
            "A group that was made by hand is adopted with its id",
            lambda: self._ids().get(BY_HAND) == by_hand and bool(self._tags_of_ours(BY_HAND)),
        )
        yield self._promise(
            "Groups that a deployment does not change keep their ids",
            lambda: (
                {path: group_id for path, group_id in self._ids().items() if path in before}
                == before
            ),
        )

    def _fail(self) -> Iterator[Promise]:
        before = self._state()
        self._deployments.deploy(Step.FAIL, fails=True)
        yield self._promise(
            "After a rollback, groups, ids, names, tags and agents are as before",
            lambda: self._state() == before,
        )

    # what is there -------------------------------------------------------------------------------

    def _promise(self, text: str, holds: Callable[[], bool]) -> Promise:
        if self._scratch.wait_for(holds):
            return Promise(text, kept=True)
        seen = ", ".join(f"{path} ({group_id})" for path, group_id in self._ids().items())
        agent = self._scratch.group_of_agent()
        return Promise(text, kept=False, seen=f"{seen}; agent in {agent}" if agent else seen)

    def _ids(self) -> dict[str, str]:
        return {path: group.id for path, group in self._scratch.groups().items()}

    def _tags_of_ours(self, path: str) -> set[str]:
        group = self._scratch.groups().get(path)
        tags = group.tags if group is not None else {}
        return {key for key in tags if key.startswith(RESERVED_PREFIX)}

    def _state(self) -> State:
        return State(
            {path: (group.id, dict(group.tags)) for path, group in self._scratch.groups().items()},
            self._scratch.group_of_agent(),
        )
