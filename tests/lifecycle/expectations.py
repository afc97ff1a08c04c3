"""How a deployment has to end, told from what stood before and what was wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from local_aws.connect import DuplicateScope
from tests.lifecycle.plans import FAIL, MOVE_TO_PARENT, UNASSIGN, StackPlan
from tests.lifecycle.snapshots import Seen, Snapshot


class Verdict(Enum):
    """What a deployment comes to if no fault decides it."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    OPEN = "open"
    """Both are sound: something stands in the way that the stack's own history left there."""


@dataclass
class Change:
    """One deployment as the model sees it: what stood, what was wanted, what stands."""

    before: Snapshot
    record_before: Mapping[str, str]
    old: StackPlan | None
    new: StackPlan
    own_stack: str
    """`<stack name>/<uuid>` as tags have it; empty before there is a stack."""

    scope: DuplicateScope
    drifted: frozenset[str] = frozenset()
    """Logical ids of groups that an operator has changed since the stack last wrote them."""

    levels_drifted: bool = False
    mild: bool = True
    joined: dict[str, str] = field(default_factory=dict)
    """Agents who came while the deployment was at work, and the group that they joined."""

    after: Snapshot | None = None
    record_after: Mapping[str, str] = field(default_factory=dict)
    delete_failed: frozenset[str] = frozenset()
    """Ids of groups whose last Delete was answered with a failure."""

    # ------------------------------------------------------------------------------------------

    def is_own(self, group: Seen) -> bool:
        """Whether tags say that the stack has it."""
        owner = group.owner
        return owner is not None and owner.stack == self.own_stack

    def is_recorded(self, group: Seen) -> bool:
        """Whether CloudFormation knows of it."""
        return group.id in self.record_before.values()

    @property
    def changes_instance(self) -> bool:
        """Whether everything is replaced."""
        return self.old is not None and self.old.instance_arn != self.new.instance_arn

    def stays_in_place(self, logical_id: str) -> bool:
        """Whether the group keeps its parent, and with it its id."""
        if self.old is None or logical_id not in self.old.groups or self.changes_instance:
            return False
        old, new = self.old.groups[logical_id].parent, self.new.groups[logical_id].parent
        if old is None or new is None:
            return old == new
        return self.expected_id(new) == self.record_before.get(old)

    def expected_id(self, logical_id: str) -> str | None:
        """The id that a group keeps or takes over, None for a new one."""
        if logical_id in self.record_after:
            known = self.record_after[logical_id]
            is_older = known in self.before.groups or known == self.record_before.get(logical_id)
            return known if is_older else None
        plan = self.new.groups[logical_id]
        if self.old is not None and logical_id in self.old.groups:
            stays = self.stays_in_place(logical_id)
            return self.record_before.get(logical_id) if stays else None
        parent_id = None if plan.parent is None else self.expected_id(plan.parent)
        if plan.parent is not None and parent_id is None:
            return None
        standing = self._standing_at((self.new.instance_arn, parent_id, plan.name))
        return standing.id if standing else None

    def is_touched(self, logical_id: str) -> bool:
        """Whether its properties differ, so that CloudFormation sends an Update or a Create."""
        if self.old is None or logical_id not in self.old.groups:
            return True
        old, new = self.old.groups[logical_id], self.new.groups[logical_id]
        # a parent counts by its group, not by its logical id
        same = replace(old, parent=None) == replace(new, parent=None)
        return not (same and self.stays_in_place(logical_id))

    # beforehand ---------------------------------------------------------------------------------

    def verdict(self) -> tuple[Verdict, str]:
        """Whether the deployment can succeed, and why not."""
        levels = self._verdict_on_levels()
        if levels[0] is not Verdict.SUCCEEDS:
            return levels
        verdicts = [self._verdict_on(logical_id) for logical_id in self.new.parents_first]
        for wanted in (Verdict.FAILS, Verdict.OPEN):
            for verdict, why in verdicts:
                if verdict is wanted:
                    return verdict, why
        return Verdict.SUCCEEDS, ""

    def _verdict_on_levels(self) -> tuple[Verdict, str]:
        there = self.before.levels[self.new.instance_arn]
        wanted = self.new.levels
        if self.old is None or self.changes_instance:
            if there and not self.new.adopt_levels:
                return Verdict.FAILS, "the instance has levels"
            if there != wanted[: len(there)]:
                return Verdict.FAILS, "other levels are there"
        elif self.levels_drifted and (self.old.levels != wanted or len(there) < len(wanted)):
            return Verdict.OPEN, "levels were changed by hand"
        elif len(wanted) < len(self.old.levels):
            gone = range(len(wanted) + 1, len(there) + 1)
            if any(self._level(group) in gone for group in self._groups_here()):
                return Verdict.FAILS, "a level that goes has groups"
        return Verdict.SUCCEEDS, ""

    def _groups_here(self) -> list[Seen]:
        here = self.new.instance_arn
        return [group for group in self.before.groups.values() if group.instance_arn == here]

    def _level(self, group: Seen) -> int:
        parent = self.before.groups.get(group.parent_id or "")
        return 1 + (self._level(parent) if parent else 0)

    def _verdict_on(self, logical_id: str) -> tuple[Verdict, str]:
        plan = self.new.groups[logical_id]
        known = self.before.groups.get(self.record_before.get(logical_id, ""))
        stays = self.stays_in_place(logical_id)
        parent_id = None
        if plan.parent is not None:
            parent_id = self.expected_id(plan.parent) or "not there yet"
            if self.stays_in_place(plan.parent) and parent_id not in self.before.groups:
                return Verdict.OPEN, f"the parent of {logical_id} was deleted by hand"
        if not self.is_touched(logical_id):
            return Verdict.SUCCEEDS, ""
        if known is not None and not stays and not self.changes_instance:
            strangers = [c for c in self.before.children(known.id) if not self.is_own(c)]
            if strangers:
                return Verdict.FAILS, f"{logical_id} moves and has a stranger below it"
        return self._verdict_on_name(logical_id, known if stays else None, parent_id)

    def _verdict_on_name(
        self, logical_id: str, known: Seen | None, parent_id: str | None
    ) -> tuple[Verdict, str]:
        plan = self.new.groups[logical_id]
        if known is not None and known.name == plan.name:
            return Verdict.SUCCEEDS, ""
        is_new = (
            self.old is None
            or logical_id not in self.old.groups
            or self.record_before.get(logical_id) not in self.before.groups
        )
        for group in self._groups_here():
            if group.name != plan.name or (known is not None and group.id == known.id):
                continue
            at_place = group.parent_id == parent_id
            if not at_place and self.scope is DuplicateScope.SIBLINGS:
                continue
            if not self.is_own(group):
                if at_place and is_new and plan.adopt and group.owner is None:
                    continue
                if self.is_recorded(group):
                    return Verdict.OPEN, f"a group whose tags are gone has the name of {logical_id}"
                return Verdict.FAILS, f"a stranger has the name of {logical_id}"
            if not self.is_recorded(group) or not at_place:
                return Verdict.OPEN, f"a group of the stack has the name of {logical_id}"
        return Verdict.SUCCEEDS, ""

    # afterwards ---------------------------------------------------------------------------------

    def check_success(self) -> None:
        """AssertionError where what stands is not what was wanted."""
        for logical_id in self.new.groups:
            self._check_wanted(logical_id)
        self._check_leavers()
        self._check_strangers()
        self._check_agents()
        self._check_no_orphans()
        self._check_levels()

    def _check_wanted(self, logical_id: str) -> None:
        plan, after = self.new.groups[logical_id], self._after
        group_id = self.record_after[logical_id]
        earlier = self.before.groups.get(self.record_before.get(logical_id, ""))
        touched = self.is_touched(logical_id)
        if not touched and earlier is None:
            return  # deleted by hand, and nobody was asked to look
        assert group_id in after.groups, f"{logical_id} is gone"
        group = after.groups[group_id]
        if not touched:
            assert earlier is not None
            assert self._is_as_it_was(logical_id, earlier, group), f"{logical_id} was changed"
            return
        assert group.name == plan.name, f"{logical_id} is called {group.name!r}"
        parent_id = None if plan.parent is None else self.record_after[plan.parent]
        assert group.parent_id == parent_id, f"{logical_id} is elsewhere"
        assert group.instance_arn == self.new.instance_arn
        assert plan.tags.items() <= group.tags.items(), f"{logical_id} has {group.user_tags}"
        assert self.is_own(group), f"{logical_id} has no owner"
        assert group.owner is not None
        assert group.owner.resource == logical_id, f"{logical_id} is {group.owner.resource}'s"
        if self.old is not None and logical_id in self.old.groups and earlier is not None:
            gone = self.old.groups[logical_id].tags.keys() - plan.tags.keys()
            assert not gone & group.tags.keys(), f"{logical_id} keeps {gone}"
        self._check_id(logical_id, earlier, group)

    def _is_as_it_was(self, logical_id: str, earlier: Seen, group: Seen) -> bool:
        assert self.old is not None
        if logical_id in self.drifted and group.name == self.old.groups[logical_id].name:
            # by hand it got a name that now is another one's, and gave it back
            group = replace(group, name=earlier.name)
        return group == _with_agents(earlier, group)

    def _check_id(self, logical_id: str, earlier: Seen | None, group: Seen) -> None:
        if self.stays_in_place(logical_id) and earlier is not None:
            assert group.id == earlier.id, f"{logical_id} has another id"
            return
        former = self.before.groups.get(group.id)
        is_new = self.old is None or logical_id not in self.old.groups
        standing = self._standing_at(group.place)
        if is_new and standing is not None:
            assert group.id == standing.id, f"{logical_id} is not what stood there"
        elif former is not None:
            if not self.is_own(former):
                assert former.owner is None, f"{logical_id} took another stack's group"
                assert self.new.groups[logical_id].adopt, f"{logical_id} took a stranger's group"
            for name, group_id in self.record_before.items():
                if group_id == former.id:
                    left = name not in self.new.groups or not self.stays_in_place(name)
                    assert left, f"{logical_id} took the group of {name}"

    def _standing_at(self, place: tuple[str, str | None, str]) -> Seen | None:
        """What a new construct takes over: what stands at its place and does not leave it."""
        for former in self.before.groups.values():
            if former.place != place or former.id in self._renamed_away():
                continue
            holders = [n for n, group_id in self.record_before.items() if group_id == former.id]
            if any(name in self.new.groups for name in holders):
                continue
            return former
        return None

    def _renamed_away(self) -> set[str]:
        return {
            self.record_before[name]
            for name, plan in self.new.groups.items()
            if name in self.record_before
            and (former := self.before.groups.get(self.record_before[name])) is not None
            and former.name != plan.name
        }

    def _check_leavers(self) -> None:
        """What left the stack or was replaced is gone, released, or stays for a reason."""
        for logical_id, group_id in self.record_before.items():
            former = self.before.groups.get(group_id)
            if former is None or group_id in self.record_after.values():
                continue
            group = self._after.groups.get(group_id)
            moved = logical_id in self.new.groups and not self.changes_instance
            if not self.is_own(former):
                # somebody took the tags away: it is left alone
                assert group is not None, f"{logical_id} had no owner any more and is gone"
            elif former.owner is not None and former.owner.adopted and not moved:
                assert group is not None, f"{logical_id} was adopted and is gone"
                if not (group.owner is not None and self._may_stay(logical_id, group)):
                    assert group.owner is None, f"{logical_id} was adopted and is not released"
                assert group.place == former.place, f"{logical_id} was adopted and is changed"
            elif group is not None:
                assert self._may_stay(logical_id, group), f"{logical_id} stays without a reason"
                assert self.is_own(group), f"{logical_id} was abandoned without its tags"

    def _may_stay(self, logical_id: str, group: Seen) -> bool:
        if not self.mild and group.id in self.delete_failed:
            return True
        if self._after.children(group.id):
            return True
        moved = logical_id in self.new.groups and not self.changes_instance
        return bool(group.agents) and not moved and self._policy(logical_id) == FAIL

    def _policy(self, logical_id: str) -> str:
        assert self.old is not None
        return self.old.groups[logical_id].on_delete

    def _check_strangers(self) -> None:
        taken = set(self.record_after.values())
        for group_id, former in self.before.groups.items():
            if self.is_own(former) or self.is_recorded(former) or group_id in taken:
                continue
            group = self._after.groups.get(group_id)
            assert group is not None, f"a stranger's group {former.name!r} is gone"
            assert group == _with_agents(former, group), f"a stranger's {former.name!r} was changed"

    def _check_agents(self) -> None:
        places = self._after.agents()
        for agent, group_id in self._agents_before().items():
            allowed = {group_id} if group_id is None else self._destinations(group_id)
            assert places[agent] in allowed, f"{agent} is in {places[agent]}, not in {allowed}"

    def _agents_before(self) -> dict[str, str | None]:
        return {**self.before.agents(), **self.joined}

    def _destinations(self, group_id: str) -> set[str | None]:
        """Where the agents of a group may be afterwards: one place, but for faults."""
        names = [name for name, known in self.record_before.items() if known == group_id]
        if not names or group_id in self.record_after.values():
            return {group_id}
        (name,) = names
        if name in self.new.groups and not self.changes_instance:
            there: set[str | None] = {self.record_after[name]}
            return there if self.mild else there | {group_id}
        if group_id in self._after.groups and self.mild:
            return {group_id}
        policy, former = self._policy(name), self.before.groups[group_id]
        stays: set[str | None] = {group_id} if group_id in self._after.groups else set()
        if policy == UNASSIGN:
            return stays | {None}
        if policy == MOVE_TO_PARENT and former.parent_id is not None:
            return stays | self._destinations(former.parent_id)
        return stays

    def _check_no_orphans(self) -> None:
        known = set(self.record_after.values()) | self.before.groups.keys() | self.delete_failed
        for group in self._after.groups.values():
            assert group.id in known, f"group {group.name!r} is nobody's"

    def _check_levels(self) -> None:
        here = self.new.instance_arn
        there, before = self._after.levels[here], self.before.levels[here]
        for instance_arn, levels in self.before.levels.items():
            if instance_arn != here:
                assert self._after.levels[instance_arn] == levels, "another instance's levels"
        if (
            self.old is not None
            and not self.changes_instance
            and self.old.levels == self.new.levels
        ):
            assert there == before, "levels were changed"
            return
        assert there[: len(self.new.levels)] == self.new.levels, f"the levels are {there}"

    def check_taken_back(self) -> None:
        """AssertionError where what stands is not what stood before."""
        repaired = {
            name
            for name in self.drifted & self.record_before.keys()
            if name not in self.new.groups or self.is_touched(name)
        }
        touched = {self.record_before[name] for name in repaired}
        for name in self.record_before.keys() | self.record_after.keys():
            same = self.record_before.get(name) == self.record_after.get(name)
            # deleted by hand, it was made anew
            remade = name in repaired and self.record_before[name] not in self.before.groups
            assert same or remade, f"{name} has another id on record"
        for group_id, former in self.before.groups.items():
            group = self._after.groups.get(group_id)
            if group_id in touched:
                continue  # an operator had changed it: repaired or not, both are sound
            assert group is not None, f"group {former.name!r} is gone"
            assert group.place == former.place, f"group {former.name!r} is {group.place}"
            assert group.user_tags == former.user_tags, f"{former.name!r} has {group.user_tags}"
            assert (former.owner is None) == (group.owner is None), (
                f"{former.name!r} has another owner"
            )
            if former.owner is not None and group.owner is not None:
                assert group.owner.is_same_resource(former.owner), f"{former.name!r} changed owner"
                assert group.owner.adopted == former.owner.adopted, f"{former.name!r}: adopted"
        self._check_nothing_left_behind(touched)
        self._check_agents_are_home(touched)
        self._check_levels_are_back()

    def _check_nothing_left_behind(self, touched: set[str]) -> None:
        for group in self._after.groups.values():
            known = self.before.groups.keys() | touched | set(self.record_after.values())
            if group.id not in known:
                reason = self._after.children(group.id) or group.agents
                failed = group.id in self.delete_failed
                assert failed, f"group {group.name!r} is left behind"
                assert reason or not self.mild, f"group {group.name!r} is left without a reason"

    def _check_agents_are_home(self, touched: set[str]) -> None:
        places = self._after.agents()
        for agent, home in self._agents_before().items():
            remade = home in touched and home not in self._after.groups
            assert remade or places[agent] == home, f"{agent} is in {places[agent]}"

    def _check_levels_are_back(self) -> None:
        for instance_arn, levels in self.before.levels.items():
            there = self._after.levels[instance_arn]
            if self.levels_drifted and self.old is not None:
                # what was renamed by hand is repaired or not; what was added by hand stays
                count = len(self.old.levels)
                assert there[count:] == levels[count:] or there == levels, f"the levels are {there}"
                continue
            assert there[: len(levels)] == levels, f"the levels are {there}, not {levels}"
            if len(there) > len(levels):
                assert instance_arn == self.new.instance_arn
                assert there == self.new.levels[: len(there)], f"the levels are {there}"

    @property
    def _after(self) -> Snapshot:
        assert self.after is not None
        return self.after


def _with_agents(group: Seen, other: Seen) -> Seen:
    """The group with the agents of another: they are looked at by themselves."""
    return Seen(group.id, group.instance_arn, group.name, group.parent_id, group.tags, other.agents)
