"""Ways of doing the work: deployments of stacks that the CDK has synthesised.

A further way is a class with these members, and an entry in `benchmarks.work.WAYS`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Protocol

from aws_cdk import App, DefaultStackSynthesizer, Stack
from aws_cdk.assertions import Template

from benchmarks.apps import Fill, fill_with_groups, fill_with_trees
from benchmarks.organisation import QUOTA, Organisation
from benchmarks.stage import Stage

MAX_RESOURCES = 500
"""The most resources that a stack of CloudFormation has."""


_INSTANCE_ARN = (
    "arn:aws:connect:eu-west-2:123456789012:instance/00000000-0000-0000-0000-000000000000"
)
"""A placeholder for the stage's instance, so that a template is synthesised only once."""


class Way(Protocol):
    """A way to bring an instance from one organisation to another."""

    name: str
    source: str
    """The code that runs, or the source that it is modelled on."""
    assumptions: str

    def deploy(self, organisation: Organisation) -> str:
        """Change the instance, and return a remark, or an empty text."""


class Stacks:
    """Stacks that the local deployment engine deploys one after the other, as `cdk deploy` does."""

    name: str
    source: str
    assumptions: str
    other_resources: int
    """How many resources a stack has besides its groups, at most."""
    fill: Fill
    """Writes the code of a stack."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._stack_of: dict[str, int] = {}

    def deploy(self, organisation: Organisation) -> str:
        """Deploy all stacks, those without a change too."""
        self._spread(organisation)
        stacks = sorted(set(self._stack_of.values()))
        failed = []
        for number in stacks:
            keys = frozenset(
                group.key
                for group in organisation.groups
                if self._stack_of[organisation.division(group.key)] == number
            )
            template = _template(self.fill, organisation, keys, first=number == 0)
            stack = self.stage.aws.cloudformation.deploy(
                f"Organisation{number}", template.replace(_INSTANCE_ARN, self.stage.instance_arn)
            )
            if not stack.status.endswith("_COMPLETE") or "ROLLBACK" in stack.status:
                failed.append(f"{stack.name} is {stack.status}")
        return "; ".join([*([f"{len(stacks)} stacks"] if len(stacks) > 1 else []), *failed])

    def _spread(self, organisation: Organisation) -> None:
        """Find a stack for every division: the one that has it already, or the first with room."""
        room = [MAX_RESOURCES - self.other_resources] * len(organisation.groups)
        for division in (group.key for group in organisation.groups if group.parent is None):
            size = len(organisation.below(division))
            if division not in self._stack_of:
                self._stack_of[division] = next(n for n, left in enumerate(room) if left >= size)
            room[self._stack_of[division]] -= size


@cache
def _template(fill: Fill, organisation: Organisation, keys: frozenset[str], *, first: bool) -> str:
    # the content of the function's asset makes no difference here
    app = App(analytics_reporting=False, context={"aws:cdk:bundling-stacks": []})
    synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
    stack = Stack(app, "Organisation", synthesizer=synthesizer)
    groups = [group for group in organisation.groups if group.key in keys]
    fill(stack, _INSTANCE_ARN, organisation.levels if first else None, groups)
    return json.dumps(Template.from_stack(stack).to_json())


class Trees(Stacks):
    """A `HierarchyTree` for every 500 groups."""

    name = "HierarchyTree"
    source = "this repository: the real constructs, engine and handlers"
    assumptions = "CloudFormation and Lambda take no time of their own"
    # CloudFormation counts trees, not groups: one stack is enough
    other_resources = -QUOTA
    fill = staticmethod(fill_with_trees)


class SingleGroups(Stacks):
    """A `HierarchyGroup` for each group."""

    name = "HierarchyGroup"
    source = "this repository: the real constructs, engine and handlers"
    assumptions = "CloudFormation and Lambda take no time of their own"
    # a function with its resources, a policy, a structure
    other_resources = 8
    fill = staticmethod(fill_with_groups)
