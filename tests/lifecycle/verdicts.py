"""Whether a deployment can succeed, judged by the present state and the wish."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from local_aws.connect import DuplicateScope
from tests.lifecycle.change import Change
from tests.lifecycle.plans import member_of_tree, tree_of
from tests.lifecycle.snapshots import Seen


class Verdict(Enum):
    """The outcome of a deployment without faults."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    OPEN = "open"
    """Both outcomes are right: a remainder of the stack's own history is in the way."""


Judged = tuple[Verdict, str]
"""A verdict, and why."""

GOOD: Judged = (Verdict.SUCCEEDS, "")


@dataclass(frozen=True)
class Judge:
    """Tells what a change comes to."""

    change: Change

    def verdict(self) -> Judged:
        """Whether the deployment can succeed, and why not."""
        levels = self._on_levels()
        if levels[0] is not Verdict.SUCCEEDS:
            return levels
        verdicts = [self._on(member) for member in self.change.new.parents_first]
        verdicts += [self._on_leavers(tree_id) for tree_id in self.change.new.trees]
        for wanted in (Verdict.FAILS, Verdict.OPEN):
            for verdict, why in verdicts:
                if verdict is wanted:
                    return verdict, why
        return GOOD

    def _on_levels(self) -> Judged:
        change = self.change
        there = change.before.levels[change.new.instance_arn]
        wanted = change.new.levels
        if change.old is None or change.changes_instance:
            return self._on_first_levels(there, wanted)
        if change.levels_drifted and (change.old.levels != wanted or len(there) < len(wanted)):
            return Verdict.OPEN, "levels were changed by hand"
        if change.old.levels != wanted and self._moves_groups(there, wanted):
            return Verdict.FAILS, "a level that has groups would be another one"
        if len(wanted) < len(change.old.levels):
            gone = range(len(wanted) + 1, len(there) + 1)
            if any(self._level(group) in gone for group in self._groups_here()):
                return Verdict.FAILS, "a level that goes has groups"
        return GOOD

    def _on_first_levels(self, there: tuple[str, ...], wanted: tuple[str, ...]) -> Judged:
        if self.change.new.instance_arn in self.change.been_at:
            return Verdict.OPEN, "the stack wrote levels there before"
        if there and not self.change.new.adopt_levels:
            return Verdict.FAILS, "the instance has levels"
        if there != wanted[: len(there)]:
            return Verdict.FAILS, "other levels are there"
        return GOOD

    def _moves_groups(self, there: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
        """Whether the name of a level that has groups is to be that of another level."""
        used = {self._level(group) for group in self._groups_here()}
        return any(
            number in used and name in wanted and wanted.index(name) + 1 != number
            for number, name in enumerate(there, start=1)
        )

    def _groups_here(self) -> list[Seen]:
        here = self.change.new.instance_arn
        return [g for g in self.change.before.groups.values() if g.instance_arn == here]

    def _level(self, group: Seen) -> int:
        parent = self.change.before.groups.get(group.parent_id or "")
        return 1 + (self._level(parent) if parent else 0)

    def _on(self, member: str) -> Judged:
        change = self.change
        plan = change.new.members[member]
        known = change.before.groups.get(change.record_before.get(member, ""))
        stays = change.stays_in_place(member)
        parent_id = None
        if plan.parent is not None:
            parent_id = change.expected_id(plan.parent) or "not there yet"
            if self._was_deleted(plan.parent) and not _are_of_one_tree(member, plan.parent):
                return Verdict.OPEN, f"the parent of {member} was deleted by hand"
        if not change.is_touched(member):
            return GOOD
        if known is not None and not stays:
            strangers = [c for c in change.before.children(known.id) if not change.is_own(c)]
            if strangers:
                return Verdict.FAILS, f"{member} moves and has a stranger below it"
        return self._on_name(member, known if stays else None, parent_id)

    def _was_deleted(self, member: str) -> bool:
        change = self.change
        if not change.lives_on(member):
            return False
        known = change.record_before.get(member)
        return known not in change.before.groups and (
            known is None or change.stays_in_place(member)
        )

    def _on_name(self, member: str, known: Seen | None, parent_id: str | None) -> Judged:
        change = self.change
        plan = change.new.members[member]
        if known is not None and known.name == plan.name:
            return GOOD
        for group in self._groups_here():
            if group.name != plan.name or (known is not None and group.id == known.id):
                continue
            at_place = group.parent_id == parent_id
            if not at_place and group.parent_id == change.drifted.get(plan.parent or "", ""):
                return Verdict.OPEN, f"the parent of {member} was changed by hand"
            if not at_place and change.scope is DuplicateScope.SIBLINGS:
                continue
            judged = self._on_holder(member, group, at_place=at_place)
            if judged[0] is not Verdict.SUCCEEDS:
                return judged
        return GOOD

    def _on_holder(self, member: str, group: Seen, *, at_place: bool) -> Judged:
        """What it comes to that this group has the name."""
        change = self.change
        is_gone = change.record_before.get(member) not in change.before.groups
        is_new = not change.was_there(member) or is_gone
        judged = GOOD
        if not change.is_own(group):
            takes_over = at_place and is_new and change.new.members[member].adopt
            if takes_over and group.tagged_owner is None:
                if change.lives_on(member) and not change.stays_in_place(member):
                    judged = Verdict.OPEN, f"{member} is gone, and somebody is where it moves to"
            else:
                judged = Verdict.FAILS, f"a stranger has the name of {member}"
        elif change.is_freed(group):
            judged = Verdict.OPEN, f"a group whose tags are gone has the name of {member}"
        elif not is_new and self._is_let_go(group):
            judged = Verdict.OPEN, f"an adopted group that leaves has the name of {member}"
        elif self._lacks_its_name(group):
            judged = Verdict.OPEN, f"a group has the name of {member} by hand, and not its own"
        elif not change.is_recorded(group) or not at_place:
            judged = Verdict.OPEN, f"a group of the stack has the name of {member}"
        return judged

    def _lacks_its_name(self, group: Seen) -> bool:
        """Whether it has another name by hand, and a stranger has its own."""
        change = self.change
        names = {
            change.new.members[member].name
            for member, group_id in change.drifted.items()
            if group_id == group.id and member in change.new.members
        }
        return any(
            other.name in names and (not change.is_own(other) or self._is_let_go(other))
            for other in self._groups_here()
            if other.parent_id == group.parent_id or change.scope is not DuplicateScope.SIBLINGS
        )

    def _is_let_go(self, group: Seen) -> bool:
        """Whether it was adopted and leaves the stack, with its name."""
        change = self.change
        holders = [name for name, known in change.record_before.items() if known == group.id]
        return group.is_adopted and not any(name in change.new.members for name in holders)

    def _on_leavers(self, tree_id: str) -> Judged:
        """A tree checks agents first: if agents keep a group, it does nothing at all."""
        change = self.change
        if change.old is None or tree_id not in change.old.trees or change.changes_instance:
            return GOOD
        if not change.is_tree_touched(tree_id):
            return GOOD
        leavers = change.leavers(tree_id)
        passed_on = {change.expected_id(member) for member in change.new.members}
        for group_id, member in leavers.items():
            if self._seems_renamed(tree_id, group_id):
                is_open = group_id in passed_on or not self._is_used(group_id)
                # the ledger has the name from before somebody changed it, and finds it by that
                is_open |= member in change.drifted
                verdict = Verdict.OPEN if is_open else Verdict.FAILS
                return verdict, f"{member} is used, and a new sibling has no key of its own"
        # what passes to another construct takes its agents along
        held = change.held_by_agents(leavers, frozenset()) - passed_on
        names = {plan.name for plan in change.new.members.values()}
        # of what somebody renamed, the ledger has the former name, which may be wanted
        certain = held - set(change.drifted.values())
        if any(change.before.groups[group_id].name not in names for group_id in certain):
            return Verdict.FAILS, f"agents hold a group of {tree_id}"
        if held or change.held_by_agents(leavers, change.joins):
            # the tree cannot know that another group of that name is not its successor
            return Verdict.OPEN, f"agents may hold a group of {tree_id}"
        return GOOD

    def _is_used(self, group_id: str) -> bool:
        """Whether it has agents or child groups, of any owner, before anybody joins."""
        before = self.change.before
        return bool(before.groups[group_id].agents or before.children(group_id))

    def _seems_renamed(self, tree_id: str, group_id: str) -> bool:
        """Whether a node that goes has agents or children, and a sibling without a key comes."""
        change = self.change
        group, tree = change.before.groups.get(group_id), change.new.trees[tree_id]
        if group is None:
            return False
        if not self._is_used(group_id) and group_id not in change.joins:
            return False
        for key, node in tree.nodes.items():
            member = member_of_tree(tree_id, key)
            parent = change.new.members[member].parent
            parent_id = None if parent is None else change.expected_id(parent) or "not there yet"
            is_new = not change.was_there(member) and change.expected_id(member) is None
            if is_new and key == tree.default_key(node) and parent_id == group.parent_id:
                return True
        return False


def _are_of_one_tree(one: str, other: str) -> bool:
    return tree_of(one) is not None and tree_of(one) == tree_of(other)
