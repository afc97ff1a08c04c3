"""The expected end of a deployment: the wish, or the state before.

These things are not promised, and so not expected:

- a chain of names that people gave by hand is not untangled (such a deployment may fail);
- changes by hand to a group, including its deletion, are corrected only if the deployment changes
the group's name, place or tags;
- a group whose owner tags somebody removed still belongs to its construct, but is not deleted with
it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from connect_hierarchy_lambda.core.names import TEMPORARY_NAME
from connect_hierarchy_lambda.model.ownership import KEY_TAG, Owner
from connect_hierarchy_lambda.model.tree import key_mark
from tests.lifecycle.change import Change
from tests.lifecycle.plans import (
    FAIL,
    MOVE_TO_PARENT,
    UNASSIGN,
    key_of,
    resource_of,
    tree_of,
)
from tests.lifecycle.snapshots import Seen, Snapshot


@dataclass(frozen=True)
class Succeeded:
    """The expected state after a deployment that completed."""

    change: Change

    def check(self) -> None:
        """Raise AssertionError if the state differs from the wish."""
        for member in self.change.new.members:
            self._check_wanted(member)
        self._check_leavers()
        self._check_strangers()
        self._check_agents()
        self._check_no_orphans()
        self._check_levels()

    @property
    def _after(self) -> Snapshot:
        return _after(self.change)

    def _check_wanted(self, member: str) -> None:
        change = self.change
        plan, after = change.new.members[member], self._after
        earlier = change.before.groups.get(change.record_before.get(member, ""))
        touched = change.is_touched(member)
        if not touched and earlier is None:
            return  # deleted by hand, and no event was about it
        assert member in change.record_after, f"{member} has no group"
        group_id = change.record_after[member]
        if group_id not in after.groups and self._is_not_asked_for(member):
            return
        assert group_id in after.groups, f"{member} is gone"
        group = after.groups[group_id]
        if not touched:
            assert earlier is not None
            assert self._is_as_it_was(member, earlier, group), f"{member} was changed"
            return
        names, values = {plan.name}, plan.tags
        if member in change.drifted and change.stays_in_place(member) and earlier is not None:
            assert change.old is not None
            was = change.old.members[member]
            names |= {earlier.name} if was.name == plan.name else set()
            values = {k: v for k, v in values.items() if was.tags.get(k) != v}
        assert group.name in names, f"{member} is called {group.name!r}"
        parent_id = None if plan.parent is None else change.last_id(plan.parent)
        parent = after.groups.get(group.parent_id or "")
        if parent is not None and parent_id not in after.groups and plan.parent is not None:
            # created again in an update that was rolled back: CloudFormation has the former id
            assert parent.is_of_node(plan.parent), f"{member} is elsewhere"
        else:
            assert group.parent_id == parent_id, f"{member} is elsewhere"
        assert group.instance_arn == change.new.instance_arn
        assert values.items() <= group.tags.items(), f"{member} has {group.user_tags}"
        self._check_owner(member, group)
        if change.old is not None and change.was_there(member) and earlier is not None:
            gone = change.old.members[member].tags.keys() - plan.tags.keys()
            assert not gone & group.tags.keys(), f"{member} keeps {gone}"
        self._check_id(member, earlier, group)

    def _is_not_asked_for(self, member: str) -> bool:
        """Whether nothing is to change on a group that somebody deleted."""
        change = self.change
        if change.old is None or not change.stays_in_place(member):
            return False
        was, now = change.old.members[member], change.new.members[member]
        return member in change.drifted and (was.name, was.tags) == (now.name, now.tags)

    def _check_owner(self, member: str, group: Seen) -> None:
        """The ledger and the group's tags say the same, but for what people took away."""
        owned = group.ownership
        assert owned is not None, f"{member} is not in the ledger"
        assert owned.is_live, f"{member} is {owned.phase}"
        assert group.is_of_node(member), f"{member} is {owned.node}'s"
        former = self.change.before.groups.get(group.id)
        if former is not None and self.change.is_freed(former):
            return
        resource = resource_of(member)
        assert group.tagged_owner == Owner(self.change.own_stack, resource), f"{member}: its tags"
        assert group.tags.get(KEY_TAG, "") == owned.key, f"{member}: its key"

    def _is_as_it_was(self, member: str, earlier: Seen, group: Seen) -> bool:
        if member in self.change.drifted and _gave_name_back(self.change, member, group):
            group = replace(group, name=earlier.name)
        return group == _with_agents(earlier, group)

    def _check_id(self, member: str, earlier: Seen | None, group: Seen) -> None:
        change = self.change
        if change.stays_in_place(member) and earlier is not None:
            assert group.id == earlier.id, f"{member} has another id"
            return
        former = change.before.groups.get(group.id)
        standing = change.own_at(member, group.parent_id)
        if standing is None and not change.was_there(member):
            standing = change.standing_at(member, group.place)
        if standing is not None:
            assert group.id == standing.id, f"{member} is not what stood there"
        elif former is not None:
            if not change.is_own(former):
                assert former.tagged_owner is None, f"{member} took another stack's group"
                assert change.new.members[member].adopt, f"{member} took a stranger's group"
            for name, group_id in change.record_before.items():
                if group_id == former.id:
                    left = name not in change.new.members or not change.stays_in_place(name)
                    assert left, f"{member} took the group of {name}"

    def _check_leavers(self) -> None:
        """What left the stack or was replaced is gone, released, or stays for a reason."""
        change = self.change
        for member, group_id in change.record_before.items():
            former = change.before.groups.get(group_id)
            if former is None or group_id in change.record_after.values():
                continue
            group = self._after.groups.get(group_id)
            moved = change.lives_on(member)
            if change.is_freed(former):
                # somebody took the tags away: it is left alone
                assert group is not None, f"{member} had no owner any more and is gone"
            elif former.is_adopted and not moved:
                assert group is not None, f"{member} was adopted and is gone"
                if not (change.is_own(group) and self._may_stay(member, group)):
                    assert not change.is_own(group), f"{member} was adopted and is not released"
                assert group.place == former.place, f"{member} was adopted and is changed"
            elif group is not None:
                assert self._may_stay(member, group), f"{member} stays without a reason"
                assert change.is_own(group), f"{member} was abandoned without its tags"

    def _may_stay(self, member: str, group: Seen) -> bool:
        change = self.change
        if not change.mild and change.delete_failed & {group.id, tree_of(member)}:
            return True
        if self._after.children(group.id) or self._is_of_held_tree(member):
            return True
        moved = change.lives_on(member)
        return bool(group.agents) and not moved and change.policy(member) == FAIL

    def _is_of_held_tree(self, member: str) -> bool:
        """Whether it left with its whole tree, of which nothing goes where agents hold a group."""
        change, tree_id = self.change, tree_of(member)
        if tree_id is None or (tree_id in change.new.trees and not change.changes_instance):
            return False
        joined = frozenset(change.joined.values())
        return bool(change.held_by_agents(change.leavers(tree_id), joined))

    def _check_strangers(self) -> None:
        change = self.change
        taken = set(change.record_after.values())
        for group_id, former in change.before.groups.items():
            if change.is_own(former) or change.is_recorded(former) or group_id in taken:
                continue
            group = self._after.groups.get(group_id)
            assert group is not None, f"a stranger's group {former.name!r} is gone"
            assert group == _with_agents(former, group), f"a stranger's {former.name!r} was changed"

    def _check_agents(self) -> None:
        places = self._after.agents()
        for agent, group_id in _agents_before(self.change).items():
            allowed = {group_id} if group_id is None else self._destinations(group_id)
            if agent in self.change.joined and self._has_lost_its_tags(group_id):
                # the group is left alone with whom the move does not see
                allowed = allowed | {group_id}
            assert places[agent] in allowed, f"{agent} is in {places[agent]}, not in {allowed}"

    def _has_lost_its_tags(self, group_id: str | None) -> bool:
        former = self.change.before.groups.get(group_id or "")
        return former is not None and self.change.is_freed(former)

    def _destinations(self, group_id: str) -> set[str | None]:
        """The groups in which an agent may be afterwards: only one, except after faults."""
        change = self.change
        names = [name for name, known in change.record_before.items() if known == group_id]
        if not names or group_id in change.record_after.values():
            return {group_id}
        name = names[0]
        if change.lives_on(name):
            there: set[str | None] = {change.record_after.get(name, group_id)}
            is_sure = change.mild and change.record_before.get(name) == group_id
            return there if is_sure else there | {group_id}
        if group_id in self._after.groups and change.mild:
            return {group_id}
        policy, former = change.policy(name), change.before.groups[group_id]
        stays: set[str | None] = {group_id} if group_id in self._after.groups else set()
        if policy == UNASSIGN:
            return stays | {None}
        if policy == MOVE_TO_PARENT and former.parent_id is not None:
            return stays | self._destinations(former.parent_id)
        return stays

    def _check_no_orphans(self) -> None:
        change = self.change
        known = set(change.record_after.values()) | change.before.groups.keys()
        for group in self._after.groups.values():
            is_known = group.id in known or _delete_failed(change, group)
            assert is_known, f"group {group.name!r} is nobody's"

    def _check_levels(self) -> None:
        change = self.change
        here = change.new.instance_arn
        there, before = self._after.levels[here], change.before.levels[here]
        for instance_arn, levels in change.before.levels.items():
            if instance_arn != here:
                assert self._after.levels[instance_arn] == levels, "another instance's levels"
        if (
            change.old is not None
            and not change.changes_instance
            and change.old.levels == change.new.levels
        ):
            assert there == before, "levels were changed"
            return
        assert there[: len(change.new.levels)] == change.new.levels, f"the levels are {there}"


@dataclass(frozen=True)
class TakenBack:
    """The expected state after a deployment that was rolled back."""

    change: Change

    def check(self) -> None:
        """Raise AssertionError if the state differs from the one before."""
        change = self.change
        repaired = {name for name in change.drifted if self._was_asked_for(name)}
        touched = {change.drifted[name] for name in repaired}
        # for a group that is gone, adoption may take another one at its place
        touched |= {
            change.record_after[name]
            for name in repaired & change.record_after.keys()
            if change.old is not None
            and name in change.old.members
            and change.old.members[name].adopt
        }
        touched |= self._made_anew(repaired) | change.left_and_changed
        for name in change.record_before.keys() | change.record_after.keys():
            same = change.record_before.get(name) == change.record_after.get(name)
            # deleted by hand and created again, or unknown to its tree
            remade = name in repaired and change.record_before.get(name) not in change.before.groups
            assert same or remade, f"{name} has another id on record"
        for group_id, former in change.before.groups.items():
            if group_id not in touched:  # else an operator had changed it
                self._check_is_back(former)
        self._check_nothing_left_behind(touched)
        self._check_agents_are_home(touched)
        self._check_levels_are_back()

    def _made_anew(self, repaired: set[str]) -> set[str]:
        """Groups of nodes that somebody had deleted: the tree may not know those above them."""
        change = self.change
        nodes = {
            (tree_of(name), key_mark(key_of(name)))
            for name in repaired
            if tree_of(name) is not None and change.drifted[name] not in change.before.groups
        }
        return {
            group.id
            for group in self._after.groups.values()
            if group.ownership is not None and group.ownership.node in nodes
        }

    @property
    def _after(self) -> Snapshot:
        return _after(self.change)

    def _was_asked_for(self, member: str) -> bool:
        """Whether the update was about a member, or made the group anew that it is below."""
        change = self.change
        # before all was taken back
        forward = replace(change, record_after={})
        if member not in change.new.members:
            return True
        return any(
            forward.is_touched(one)
            and (one == member or change.record_before.get(one) not in change.before.groups)
            for one in change.new.above(member)
        )

    def _check_is_back(self, former: Seen) -> None:
        group = self._after.groups.get(former.id)
        assert group is not None, f"group {former.name!r} is gone"
        for member, group_id in self.change.drifted.items():
            if group_id == former.id and _gave_name_back(self.change, member, group):
                group = replace(group, name=former.name)
        if _has_own_name_again(former, group):
            group = replace(group, name=former.name)
        if not self._gave_up_name(former, group):
            assert group.place == former.place, f"group {former.name!r} is {group.place}"
        claimed = self._claimed_tags(former)
        for key in former.user_tags.keys() | group.user_tags.keys():
            value, before = group.user_tags.get(key), former.user_tags.get(key)
            was_claimed = value is None and key in claimed
            assert value == before or was_claimed, f"{former.name!r} has {group.user_tags}"
        assert former.tagged_owner == group.tagged_owner, f"{former.name!r}: tags of its owner"
        assert former.tags.get(KEY_TAG) == group.tags.get(KEY_TAG), f"{former.name!r}: tag of key"
        owned, was_owned = group.ownership, former.ownership
        # the tags of an unrecorded group may name it by now
        was_left = owned is not None and owned.is_left and not self.change.is_recorded(former)
        is_same = was_left or owned == was_owned
        assert is_same, f"{former.name!r} was {was_owned}, is {owned}"

    def _claimed_tags(self, former: Seen) -> set[str]:
        """Keys that the update named for the first time; somebody may have used them before."""
        change = self.change
        return {
            key
            for member, group_id in change.record_before.items()
            if group_id == former.id and change.lives_on(member) and change.old is not None
            for key in change.new.members[member].tags.keys()
            - change.old.members[member].tags.keys()
        }

    def _gave_up_name(self, former: Seen, group: Seen) -> bool:
        """Whether it had a name by hand which another wanted, and has its own again."""
        change = self.change
        own = {
            change.old.members[member].name
            for member, group_id in change.drifted.items()
            if change.old is not None and group_id == former.id and member in change.old.members
        }
        return group.name in own and group.parent_id == former.parent_id

    def _check_nothing_left_behind(self, touched: set[str]) -> None:
        change = self.change
        known = change.before.groups.keys() | touched | set(change.record_after.values())
        for group in self._after.groups.values():
            if group.id not in known and not _is_made_anew(change, group):
                reason = self._after.children(group.id) or group.agents
                assert _delete_failed(change, group), f"group {group.name!r} is left behind"
                assert reason or not change.mild, f"group {group.name!r} is left without a reason"

    def _check_agents_are_home(self, touched: set[str]) -> None:
        places = self._after.agents()
        for agent, home in _agents_before(self.change).items():
            remade = home in touched and home not in self._after.groups
            assert remade or places[agent] == home, f"{agent} is in {places[agent]}"

    def _check_levels_are_back(self) -> None:
        change = self.change
        for instance_arn, levels in change.before.levels.items():
            there = self._after.levels[instance_arn]
            if change.levels_drifted and change.old is not None:
                # what was renamed by hand is repaired or not; what was added by hand stays
                count = len(change.old.levels)
                is_back = there[count:] == levels[count:] or there == levels
                assert is_back or self._are_added(there, count), f"the levels are {there}"
                continue
            assert there[: len(levels)] == levels, f"the levels are {there}, not {levels}"
            if len(there) > len(levels):
                assert instance_arn == change.new.instance_arn
                assert self._are_added(there, len(levels)), f"the levels are {there}"

    def _are_added(self, there: tuple[str, ...], count: int) -> bool:
        """Whether the levels after this many are the update's: they stay if they had groups."""
        return there[count:] == self.change.new.levels[count : len(there)]


def _after(change: Change) -> Snapshot:
    assert change.after is not None
    return change.after


def _has_own_name_again(former: Seen, group: Seen) -> bool:
    """Whether an earlier deployment displaced it, and nobody needs its name any more."""
    return former.name.startswith(TEMPORARY_NAME) and not group.name.startswith(TEMPORARY_NAME)


def _gave_name_back(change: Change, member: str, group: Seen) -> bool:
    """Whether it got a name by hand that now was another one's, and has its own again."""
    return change.old is not None and group.name == change.old.members[member].name


def _agents_before(change: Change) -> dict[str, str | None]:
    return {**change.before.agents(), **change.joined}


def _is_made_anew(change: Change, group: Seen) -> bool:
    """Whether it stands for a group of the stack that somebody deleted by hand before."""
    owned = group.ownership
    if owned is None or not owned.is_live or owned.key:
        return False
    former = change.record_before.get(owned.resource)
    return former is not None and former not in change.before.groups


def _delete_failed(change: Change, group: Seen) -> bool:
    """Whether nobody could delete it: its own Delete failed, or that of its tree."""
    if group.id in change.delete_failed:
        return True
    owner, is_node = group.tagged_owner, KEY_TAG in group.tags
    return (
        change.bears_our_tags(group)
        and is_node
        and owner is not None
        and owner.resource in change.delete_failed
    )


def _with_agents(group: Seen, other: Seen) -> Seen:
    """The group with the agents of another: they are looked at by themselves."""
    return replace(group, agents=other.agents)
