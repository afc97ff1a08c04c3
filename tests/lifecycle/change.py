"""One deployment in the model: the state before, the wish, and the owners of groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from connect_hierarchy_lambda.model.ledger import Phase
from local_aws.connect import DuplicateScope
from tests.lifecycle.plans import (
    FAIL,
    MOVE_TO_PARENT,
    StackPlan,
    key_of,
    resource_of,
    tree_of,
)
from tests.lifecycle.snapshots import Seen, Snapshot


@dataclass
class Change:
    """The state before, the wish, and the state after a deployment."""

    before: Snapshot
    record_before: Mapping[str, str]
    """The ids of the stack's groups, by member."""

    old: StackPlan | None
    new: StackPlan
    own_stack: str
    """`<stack name>/<uuid>` as tags have it; empty before there is a stack."""

    scope: DuplicateScope
    drifted: Mapping[str, str] = field(default_factory=dict)
    """Members that an operator has changed since the stack last wrote them, and their groups."""

    left_and_changed: frozenset[str] = frozenset()
    """Ids of groups that somebody changed after the stack had left them."""

    levels_drifted: bool = False
    been_at: frozenset[str] = frozenset()
    """ARNs of the instances where the stack has written levels or tried to."""

    mild: bool = True
    joins: frozenset[str] = frozenset()
    """Ids of groups that agents want to join while the deployment is at work."""

    joined: dict[str, str] = field(default_factory=dict)
    """Agents who came while the deployment was at work, and the group that they joined."""

    after: Snapshot | None = None
    record_after: Mapping[str, str] = field(default_factory=dict)
    delete_failed: frozenset[str] = frozenset()
    """Ids of groups, and logical ids of trees, whose last Delete was answered with a failure."""

    # whose a group is ---------------------------------------------------------------------------

    def is_own(self, group: Seen) -> bool:
        """Whether the ledger has it, or else its tags say that it is the stack's."""
        return group.ownership is not None or self.bears_our_tags(group)

    def bears_our_tags(self, group: Seen) -> bool:
        """Whether its tags say that it is the stack's: somebody may take them away."""
        owner = group.tagged_owner
        return owner is not None and owner.stack == self.own_stack

    def is_freed(self, group: Seen) -> bool:
        """Whether the stack made it and somebody removed the owner tags: it is not deleted."""
        return self.is_own(group) and not group.is_adopted and not self.bears_our_tags(group)

    def is_recorded(self, group: Seen) -> bool:
        """Whether the stack knows of it."""
        return group.id in self.record_before.values()

    def last_id(self, member: str) -> str | None:
        """The group that a member has, or that it had before somebody took it away by hand."""
        return self.record_after.get(member, self.drifted.get(member))

    # what changes -------------------------------------------------------------------------------

    @property
    def changes_instance(self) -> bool:
        """Whether everything is replaced."""
        return self.old is not None and self.old.instance_arn != self.new.instance_arn

    def was_there(self, member: str) -> bool:
        """Whether the plan before had it."""
        return self.old is not None and member in self.old.members

    def lives_on(self, member: str) -> bool:
        """Whether it is the same member before and after, and on the same instance."""
        return member in self.new.members and self.was_there(member) and not self.changes_instance

    def stays_in_place(self, member: str) -> bool:
        """Whether the group keeps its parent, and with it its id."""
        if self.old is None or not self.lives_on(member):
            return False
        return self._is_same_parent(
            self.old.members[member].parent, self.new.members[member].parent
        )

    def _is_same_parent(self, old: str | None, new: str | None) -> bool:
        if old is None or new is None:
            return old == new
        expected, known = self.expected_id(new), self.record_before.get(old)
        tree_id = tree_of(old)
        if expected is None and known is None and old == new and tree_id is not None:
            # a node whose owner tags somebody removed is unknown until its tree gets an event
            return not self.is_tree_touched(tree_id)
        return expected is not None and expected == known

    def expected_id(self, member: str) -> str | None:
        """The id that a group keeps or takes over, None for a new one."""
        if member in self.record_after:
            known = self.record_after[member]
            is_older = known in self.before.groups or known == self.record_before.get(member)
            return known if is_older else None
        if self.stays_in_place(member):
            return self.record_before.get(member)
        plan = self.new.members[member]
        parent_id = None if plan.parent is None else self.expected_id(plan.parent)
        if plan.parent is not None and parent_id is None:
            return None
        own = self.own_at(member, parent_id)
        if own is not None or self.was_there(member):
            return own.id if own else None
        standing = self.standing_at(member, (self.new.instance_arn, parent_id, plan.name))
        return standing.id if standing else None

    def own_at(self, member: str, parent_id: str | None) -> Seen | None:
        """What the ledger still has of a member below a parent, whatever its name is."""
        there = [
            group
            for group in self.before.groups.values()
            if group.is_of_node(member)
            and (group.instance_arn, group.parent_id) == (self.new.instance_arn, parent_id)
        ]
        return min(there, key=_preference, default=None)

    def is_touched(self, member: str) -> bool:
        """Whether its properties differ, so that CloudFormation sends an Update or a Create."""
        tree_id = tree_of(member)
        if tree_id is not None:
            return self.is_tree_touched(tree_id)
        if self.old is None or not self.was_there(member):
            return True
        old, new = self.old.members[member], self.new.members[member]
        # a parent counts by its group, not by its logical id
        same = replace(old, parent=None) == replace(new, parent=None)
        return not (same and self.stays_in_place(member))

    def is_tree_touched(self, tree_id: str) -> bool:
        """Whether a tree's properties differ: then CloudFormation asks for all of its nodes."""
        if self.old is None or tree_id not in self.old.trees or self.changes_instance:
            return True
        old, new = self.old.trees[tree_id], self.new.trees[tree_id]
        same = replace(old, parent=None, nodes={}) == replace(new, parent=None, nodes={})
        is_same_list = old.groups() == new.groups()
        refers = self.old.references(tree_id) == self.new.references(tree_id)
        return not (
            same and is_same_list and refers and self._is_same_parent(old.parent, new.parent)
        )

    def standing_at(self, member: str, place: tuple[str, str | None, str]) -> Seen | None:
        """The group that a new construct takes over: one at its place that stays there.

        A group from which a remaining construct moves away is not among them.
        """
        for former in self.before.groups.values():
            if former.place != place:
                continue
            holders = [n for n, group_id in self.record_before.items() if group_id == former.id]
            if any(name in self.new.members for name in holders):
                continue
            owned = former.ownership
            nodes = [name for name in self.new.members if former.is_of_node(name)]
            if owned is not None and nodes:
                is_others = owned.resource != resource_of(member)
                comes_back = any(self._comes_back(name, former) for name in nodes)
                if comes_back or not (is_others and owned.is_left):
                    continue
            return former
        return None

    def _comes_back(self, member: str, former: Seen) -> bool:
        """Whether a member has the parent again below which it left a group."""
        parent = self.new.members[member].parent
        parent_id = None if parent is None else self.expected_id(parent)
        return parent_id == former.parent_id and (parent is None) == (parent_id is None)

    # agents -------------------------------------------------------------------------------------

    def policy(self, member: str) -> str:
        """What becomes of the agents of a group that goes.

        Its own policy of the last deployment; a node without one has that of its tree now.
        """
        assert self.old is not None
        tree_id = tree_of(member)
        if tree_id is None or tree_id not in self.new.trees:
            return self.old.members[member].on_delete
        own = self.old.trees[tree_id].nodes[key_of(member)].on_delete
        return own or self.new.trees[tree_id].on_delete

    def leavers(self, tree_id: str) -> dict[str, str]:
        """The former members of a tree, by the ids of their groups.

        Not those that move, nor what another node of the tree goes on with.
        """
        assert self.old is not None
        taken = {
            self.expected_id(member) for member in self.new.members if tree_of(member) == tree_id
        }
        return {
            self.record_before[member]: member
            for member in self.old.members
            if tree_of(member) == tree_id
            and self.record_before.get(member) in self.before.groups
            and not self.lives_on(member)
            and self.record_before[member] not in taken
        }

    def held_by_agents(self, leavers: Mapping[str, str], agents_in: frozenset[str]) -> set[str]:
        """Those of a tree's groups that agents hold, who may be in some groups beside their own."""
        held = set()
        for group_id, member in leavers.items():
            group = self.before.groups[group_id]
            if group.is_adopted:
                continue  # the group stays in any case, and so do its agents
            if (group.agents or group_id in agents_in) and self._lets_none_go(member, leavers):
                held.add(group_id)
        return held

    def _lets_none_go(self, member: str, leavers: Mapping[str, str]) -> bool:
        """Whether agents are stuck there, or further up where they would go."""
        policy = self.policy(member)
        parent_id = self.before.groups[self.record_before[member]].parent_id
        above = self.before.groups.get(parent_id or "")
        if policy == MOVE_TO_PARENT and above is not None and above.id in leavers:
            return not above.is_adopted and self._lets_none_go(leavers[above.id], leavers)
        return policy == FAIL


def _preference(group: Seen) -> tuple[int, str]:
    """The order of several groups of one node: LIVE, then RETIRED, then LEFT."""
    assert group.ownership is not None
    order = [Phase.LIVE, Phase.RETIRED, Phase.LEFT]
    return order.index(group.ownership.phase), group.id
