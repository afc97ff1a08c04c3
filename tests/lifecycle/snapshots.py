"""The state of Connect at a moment, read without lag, with owners by the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connect_hierarchy_lambda.model.ledger import Phase
from connect_hierarchy_lambda.model.ownership import Owner
from connect_hierarchy_lambda.model.tags import RESERVED_PREFIX
from connect_hierarchy_lambda.model.tree import key_mark
from local_aws.cloudformation.stacks import Stack
from tests.lifecycle.plans import StackPlan, key_of, resource_of, tree_of
from tests.support.ownership import Ownership, ownerships
from tests.support.stacks import Site


@dataclass(frozen=True)
class Seen:
    """One group."""

    id: str
    instance_arn: str
    name: str
    parent_id: str | None
    tags: Mapping[str, str]
    agents: frozenset[str]
    ownership: Ownership | None
    """What the stack's ledger says of it, None if it is a stranger's."""

    @property
    def user_tags(self) -> dict[str, str]:
        """The tags that are not ours."""
        return {k: v for k, v in self.tags.items() if not k.startswith(RESERVED_PREFIX)}

    @property
    def tagged_owner(self) -> Owner | None:
        """Who owns it, as its tags say."""
        return Owner.of(self.tags)

    @property
    def is_adopted(self) -> bool:
        """Whether the stack has it from a stranger."""
        return self.ownership is not None and self.ownership.is_adopted

    def is_of_node(self, member: str) -> bool:
        """Whether the ledger knows it as a group that this member has or had."""
        node = resource_of(member), key_mark(key_of(member)) if tree_of(member) else ""
        return self.ownership is not None and self.ownership.node == node

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


def snapshot(site: Site, instance_arns: list[str], stack: Stack | None) -> Snapshot:
    """Take one of these instances, with what the stack's ledger says of their groups."""
    backend = site.connect.backend
    owned = ownerships(site.ledger_of(stack.stack_id).records()) if stack is not None else {}
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
                owned.get(group.id),
            )
        levels[instance_arn] = tuple(
            level.name for level in backend.describe_user_hierarchy_structure(instance_id)
        )
        free |= agents.get(None, set())
    return Snapshot(groups, levels, frozenset(free))


def record(site: Site, stack: Stack | None, plan: StackPlan | None) -> dict[str, str]:
    """The ids of the groups that the stack has, by member.

    Of a single group CloudFormation has it on record, of a node the ledger.
    """
    if stack is None:
        return {}
    known = {
        name: resource.physical_id.rsplit("/", 1)[-1]
        for name, resource in stack.resources.items()
        if "/agent-group/" in resource.physical_id
    }
    if plan is None:
        return known
    live = {
        (record.resource, record.key): record.id
        for record in site.ledger_of(stack.stack_id).records().values()
        if record.phase is Phase.LIVE and record.id and record.instance_arn == plan.instance_arn
    }
    for member in plan.members:
        tree_id = tree_of(member)
        group_id = live.get((tree_id or "", key_mark(key_of(member))))
        if tree_id in stack.resources and group_id is not None:
            known[member] = group_id
    return known
