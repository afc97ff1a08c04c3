"""What stands in Connect at a moment, read past all lag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connect_hierarchy_lambda.model.ownership import (
    KEY_TAG,
    LEFT,
    RETIRED_TAG,
    Owner,
    stack_name_and_uuid,
)
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from connect_hierarchy_lambda.model.tree import key_mark
from local_aws.cloudformation.stacks import Stack
from tests.lifecycle.plans import StackPlan, key_of, tree_of
from tests.stacks import Site


@dataclass(frozen=True)
class Seen:
    """One group."""

    id: str
    instance_arn: str
    name: str
    parent_id: str | None
    tags: Mapping[str, str]
    agents: frozenset[str]

    @property
    def user_tags(self) -> dict[str, str]:
        """The tags that are not ours."""
        return {k: v for k, v in self.tags.items() if not k.startswith(RESERVED_PREFIX)}

    @property
    def owner(self) -> Owner | None:
        """Who owns it, as its tags say."""
        return Owner.of(self.tags)

    @property
    def key_mark(self) -> str | None:
        """What stands for its key in its tree, None for a single group."""
        return self.tags.get(KEY_TAG)

    @property
    def is_given_up(self) -> bool:
        """Whether its tree has given it up, and it is still there for a reason."""
        return RETIRED_TAG in self.tags

    @property
    def is_left(self) -> bool:
        """Whether it was left behind, and is to stay."""
        return self.tags.get(RETIRED_TAG) == LEFT

    @property
    def place(self) -> tuple[str, str | None, str]:
        """Where a name may occur once."""
        return self.instance_arn, self.parent_id, self.name


@dataclass(frozen=True)
class Snapshot:
    """Groups by id, levels by instance, and the agents without a group."""

    groups: Mapping[str, Seen]
    levels: Mapping[str, tuple[str, ...]]
    free_agents: frozenset[str]

    def children(self, group_id: str) -> list[Seen]:
        """The groups right below one."""
        return [group for group in self.groups.values() if group.parent_id == group_id]

    def agents(self) -> dict[str, str | None]:
        """Where each agent is: a group's id, or None."""
        places: dict[str, str | None] = dict.fromkeys(self.free_agents)
        for group in self.groups.values():
            places |= dict.fromkeys(group.agents, group.id)
        return places


def snapshot(site: Site, instance_arns: list[str]) -> Snapshot:
    """Take one of these instances."""
    backend = site.connect.backend
    groups: dict[str, Seen] = {}
    levels: dict[str, tuple[str, ...]] = {}
    free: set[str] = set()
    for instance_arn in instance_arns:
        instance_id = instance_arn.rsplit("/", 1)[-1]
        agents: dict[str | None, set[str]] = {}
        for user in backend.list_users(instance_id):
            agents.setdefault(user.hierarchy_group_id, set()).add(user.name)
        for group in backend.list_user_hierarchy_groups(instance_id):
            groups[group.id] = Seen(
                group.id,
                instance_arn,
                group.name,
                group.parent_id,
                group.tags,
                frozenset(agents.get(group.id, ())),
            )
        levels[instance_arn] = tuple(
            level.name for level in backend.describe_user_hierarchy_structure(instance_id)
        )
        free |= agents.get(None, set())
    return Snapshot(groups, levels, frozenset(free))


def record(
    stack: Stack | None, plan: StackPlan | None, standing: Snapshot, drifted: Mapping[str, str]
) -> dict[str, str]:
    """The ids of the groups that the stack has, by member.

    Of a single group CloudFormation has it on record, and of a node nobody: there it is what stands
    with the tree's name and the node's key in its tags, below the group of the node above. One of
    another tree may have `drifted`: that tree's answer still tells its group.
    """
    if stack is None:
        return {}
    known = {
        name: resource.physical_id.rsplit("/", 1)[-1]
        for name, resource in stack.resources.items()
        if "/agent-group/" in resource.physical_id
    }
    for member in plan.parents_first if plan is not None else ():
        tree_id = tree_of(member)
        if plan is None or tree_id is None or tree_id not in stack.resources:
            continue
        parent = plan.members[member].parent
        parent_id = None if parent is None else known.get(parent, "none")
        if parent is not None and parent not in known and tree_of(parent) != tree_id:
            parent_id = drifted.get(parent, "none")
        for group in standing.groups.values():
            if (
                group.instance_arn == plan.instance_arn
                and group.parent_id == parent_id
                and group.key_mark == key_mark(key_of(member))
                and not group.is_given_up
                and is_of(stack, group)
                and group.owner is not None
                and group.owner.resource == tree_id
            ):
                known[member] = group.id
    return known


def is_of(stack: Stack, group: Seen) -> bool:
    """Whether the group's tags name this stack."""
    owner = group.owner
    return owner is not None and owner.stack == stack_name_and_uuid(stack.stack_id)
